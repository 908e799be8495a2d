/**
 * How long a training step takes here and in Debian's PyTorch, on the same cores, in turns.
 *
 *   node bench/training.ts [--rounds 5] [--threads 2] [--batch 64] [--json FILE]
 *
 * Both sides train the same nets on random data with the same loss and optimiser. Of every round the fastest step
 * counts, which other programs disturbed least; of the rounds, the median. Needs PyTorch for /usr/bin/python3 (Debian:
 * apt-get install python3-torch); without it, says so and measures nothing.
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
import { resnet20 } from './resnet20.ts';

const run = promisify(execFile);
const python = '/usr/bin/python3';

interface Net {
  readonly name: 'lenet' | 'resnet20';
  readonly graph: Graph;
  readonly sampleDims: readonly number[];
  /** Steps of one round, the first `warmUp` of them not counted. */
  readonly steps: number;
}
const warmUp = 3;

const nets: readonly Net[] = [
  {
    name: 'lenet',
    graph: lenet('lenet', 10, 1, { conv1: 20, conv2: 50, dense: 500 }),
    sampleDims: [1, 28, 28],
    steps: 60,
  },
  { name: 'resnet20', graph: resnet20(1), sampleDims: [3, 32, 32], steps: 13 },
];

interface Settings {
  readonly rounds: number;
  readonly threads: number;
  readonly batch: number;
}

/** Milliseconds of each counted step. */
async function oursMs({ graph, sampleDims, steps }: Net, { threads, batch }: Settings): Promise<number[]> {
  const random = new Random(1);
  const data = memoryDataset({
    sampleDims,
    classes: 10,
    labels: Int32Array.from({ length: batch }, () => random.integer(10)),
    inputs: Float32Array.from({ length: batch * elementCount(sampleDims) }, () => random.normal()),
  });
  const ends: number[] = [];
  await train({
    graph,
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
  const ours = flatLength(layOutParameters(graph));
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
  readonly torchMs: number;
  /** Torch's time over ours, the median over rounds: above 1, we are faster. */
  readonly ratio: number;
  readonly ratios: readonly number[];
}

async function measure(net: Net, settings: Settings): Promise<Row> {
  const rounds: { ours: number; torch: number }[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    const ours = Math.min(...(await oursMs(net, settings)));
    const torch = Math.min(...(await torchMs(net, settings)));
    rounds.push({ ours, torch });
    console.error(
      `${net.name} round ${round + 1}: ours ${ours.toFixed(1)} ms, PyTorch ${torch.toFixed(1)} ms`,
    );
  }
  const ratios = rounds.map(({ ours, torch }) => torch / ours);
  return {
    net: net.name,
    parameters: flatLength(layOutParameters(net.graph)),
    oursMs: median(rounds.map(({ ours }) => ours)),
    torchMs: median(rounds.map(({ torch }) => torch)),
    ratio: median(ratios),
    ratios,
  };
}

const { values } = parseArgs({
  options: {
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
const save = async (report: object): Promise<void> => {
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
};

if (torch === undefined) {
  const skipped = `${python} has no PyTorch to compare with. On Debian: apt-get install python3-torch`;
  console.log(`Skipped: ${skipped}`);
  await save({ skipped });
} else {
  const rows: Row[] = [];
  for (const net of nets) rows.push(await measure(net, settings));
  console.log(
    `Milliseconds a training step, batch ${settings.batch}, ${settings.threads} threads, PyTorch ${torch}`,
  );
  console.table(
    rows.map(({ net, parameters, oursMs, torchMs, ratio }) => ({
      net,
      parameters,
      'ours, ms': oursMs.toFixed(1),
      'ours, steps/s': (1000 / oursMs).toFixed(1),
      'PyTorch, ms': torchMs.toFixed(1),
      'PyTorch, steps/s': (1000 / torchMs).toFixed(1),
      'PyTorch/ours': ratio.toFixed(2),
    })),
  );
  // More than one running program before we began: the two sides wait for each other's threads differently.
  if (load > 1) console.log(`The machine was busy (load ${load.toFixed(1)}): measure again when it is idle.`);
  await save({ cpu: cpus()[0]?.model, load, torch, ...settings, nets: rows });
}
