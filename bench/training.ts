/**
 * How long a training step takes here and in Debian's PyTorch, on the same cores, in turns.
 *
 *   node bench/training.ts [--nets lenet,vgg11] [--rounds 5] [--threads 2] [--batch 64] [--json FILE]
 *
 * Both sides train the same nets on random data with the same loss and optimiser. Of every round the fastest step
 * counts, which other programs disturbed least; of the rounds, the median. PyTorch is asked where /usr/bin/python3 has it
 * (Debian: apt-get install python3-torch), for the nets that its script knows.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { lenet } from '../examples/lenet.ts';
import { memoryDataset } from '../gpu-runner/engine/dataset.ts';
import { flatLength, layOutParameters } from '../gpu-runner/engine/parameters.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { train } from '../gpu-runner/engine/train.ts';
import type { Graph } from '../gpu-runner/onnx/graph.ts';
import { elementCount } from '../shared/tensor.ts';
import { resnet20, resnet28 } from './residualNet.ts';
import { vgg11 } from './vgg11.ts';

const run = promisify(execFile);
const python = '/usr/bin/python3';

interface Net {
  readonly name: string;
  readonly graph: () => Graph;
  /** Whether torch_training.py has it. */
  readonly inTorch: boolean;
  readonly sampleDims: readonly number[];
  /** Steps of one round, the first `warmUp` of them not counted. */
  readonly steps: number;
}
const warmUp = 3;

const images = { sampleDims: [3, 32, 32], steps: 9 };
const folded = { normalised: false };
const nets: readonly Net[] = [
  {
    ...{ name: 'lenet', inTorch: true, sampleDims: [1, 28, 28], steps: 60 },
    graph: () => lenet('lenet', 10, 1, { conv1: 20, conv2: 50, dense: 500 }),
  },
  { ...images, name: 'resnet20', inTorch: true, graph: () => resnet20(1) },
  { ...images, name: 'resnet20 folded', inTorch: false, graph: () => resnet20(1, folded) },
  { ...images, name: 'resnet28', inTorch: false, graph: () => resnet28(1) },
  { ...images, name: 'resnet28 folded', inTorch: false, graph: () => resnet28(1, folded) },
  { ...images, name: 'vgg11', inTorch: true, graph: () => vgg11(1) },
  { ...images, name: 'vgg11 folded', inTorch: false, graph: () => vgg11(1, folded) },
];

interface Settings {
  readonly rounds: number;
  readonly threads: number;
  readonly batch: number;
}

/** Milliseconds of each counted step. */
async function oursMs(
  { graph: build, sampleDims, steps }: Net,
  { threads, batch }: Settings,
): Promise<number[]> {
  const random = new Random(1);
  const data = memoryDataset({
    sampleDims,
    classes: 10,
    labels: Int32Array.from({ length: batch }, () => random.integer(10)),
    inputs: Float32Array.from({ length: batch * elementCount(sampleDims) }, () => random.normal()),
  });
  const ends: number[] = [];
  await train({
    graph: build(),
    objectives: [{ input: 'image', output: 'logits', data, loss: 'softmax-cross-entropy' }],
    steps,
    batchSize: batch,
    optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true },
    schedule: { learningRate: 0.01, decay: 'constant' },
    seed: 1,
    provider: 'cpu',
    threads,
    onProgress: () => ends.push(performance.now()),
  });
  return ends
    .slice(1)
    .map((end, step) => end - (ends[step] ?? NaN))
    .slice(warmUp - 1);
}

const torchReport = z.object({ torch: z.string(), parameters: z.int(), milliseconds: z.array(z.number()) });

async function torchMs({ name, graph, steps }: Net, { threads, batch }: Settings): Promise<number[]> {
  const script = join(import.meta.dirname, 'torch_training.py');
  const { stdout } = await run(python, [script, name, String(batch), String(steps), String(threads)], {
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  const report = torchReport.parse(JSON.parse(stdout));
  const ours = flatLength(layOutParameters(graph()));
  if (report.parameters !== ours)
    throw new Error(`Cannot compare ${name}: PyTorch trains ${report.parameters} parameters, we ${ours}`);
  return report.milliseconds.slice(warmUp);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

interface Row {
  readonly net: string;
  readonly parameters: number;
  /** Milliseconds a step. */
  readonly oursMs: number;
  readonly torchMs?: number;
  /** Torch's time over ours, the median over rounds: above 1, we are faster. */
  readonly ratio?: number;
  readonly ratios: readonly number[];
}

async function measure(net: Net, settings: Settings, hasTorch: boolean): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    ours.push(Math.min(...(await oursMs(net, settings))));
    if (hasTorch && net.inTorch) theirs.push(Math.min(...(await torchMs(net, settings))));
    const [us = NaN, them] = [ours.at(-1), theirs.at(-1)];
    const beside = them === undefined ? '' : `, PyTorch ${them.toFixed(1)} ms`;
    console.error(`${net.name} round ${round + 1}: ours ${us.toFixed(1)} ms${beside}`);
  }
  const ratios = theirs.map((torch, round) => torch / (ours[round] ?? NaN));
  return {
    net: net.name,
    parameters: flatLength(layOutParameters(net.graph())),
    oursMs: median(ours),
    ...(theirs.length > 0 && { torchMs: median(theirs), ratio: median(ratios) }),
    ratios,
  };
}

const { values } = parseArgs({
  options: {
    nets: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    json: { type: 'string' },
  },
});
const count = z.coerce.number().int().min(1);
const settings: Settings = z.object({ rounds: count, threads: count, batch: count }).parse(values);

const torch = await run(python, ['-c', 'import torch; print(torch.__version__)']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
);
const [load = 0] = loadavg();
const chosen = values.nets?.split(',') ?? nets.map(({ name }) => name);
const unknown = chosen.find((name) => !nets.some((net) => net.name === name));
if (unknown !== undefined)
  throw new Error(`Cannot measure "${unknown}": there are ${nets.map(({ name }) => name).join(', ')}`);

const rows: Row[] = [];
for (const net of nets.filter(({ name }) => chosen.includes(name)))
  rows.push(await measure(net, settings, torch !== undefined));
const peer = torch === undefined ? 'no PyTorch to compare with' : `PyTorch ${torch}`;
console.log(`Milliseconds a training step, batch ${settings.batch}, ${settings.threads} threads, ${peer}`);
console.table(
  rows.map(({ net, parameters, oursMs, torchMs, ratio }) => ({
    net,
    parameters,
    'ours, ms': oursMs.toFixed(1),
    'ours, steps/s': (1000 / oursMs).toFixed(1),
    ...(torchMs !== undefined && { 'PyTorch, ms': torchMs.toFixed(1), 'PyTorch/ours': ratio?.toFixed(2) }),
  })),
);
if (torch === undefined)
  console.log(`${python} has no PyTorch to compare with. On Debian: apt-get install python3-torch`);
// More than one running program before we began: the two sides wait for each other's threads differently.
if (load > 1) console.log(`The machine was busy (load ${load.toFixed(1)}): measure again when it is idle.`);
if (values.json !== undefined) {
  const report = { cpu: cpus()[0]?.model, load, torch, ...settings, nets: rows };
  await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
