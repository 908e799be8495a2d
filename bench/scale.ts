/**
 * How long it takes, and how much memory, to zip two networks of the size of VGG-16: 138 million random weights each,
 * images of 224x224, 1000 and 40 classes, everything shared, no retraining.
 *
 *   node bench/scale.ts [--width 1] [--size 224] [--samples 64] [--wiring one-way] [--quick] [--json FILE]
 *
 * What was measured goes into bench/scale/results.json, or FILE. --quick takes a sixteenth of the widths, images of 64x64 and
 * small products, and writes only a FILE that is named: it shows that everything runs, and measures nothing.
 *
 * Beside each layer's processor time (of all threads, which other programs disturb less than the clock) stands what its
 * matrix products would take at the rate that large matrices are multiplied at here, measured before and after; the
 * difference is everything else. Peak memory is the process's own, as the kernel counts it. At the end samples are compared
 * with whole Gram matrices of a layer where both fit.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { writeFileAtomically } from '../gpu-runner/data/writeFileAtomically.ts';
import { memoryDataset, type Dataset } from '../gpu-runner/engine/dataset.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { createSession } from '../gpu-runner/engine/session.ts';
import { defaultGramBytes } from '../gpu-runner/mtz/gramForm.ts';
import { zip } from '../gpu-runner/mtz/zip.ts';
import type { ShareTime } from '../gpu-runner/mtz/zipOptions.ts';
import { Graph } from '../gpu-runner/onnx/graph.ts';
import { recipe, wirings } from '../shared/recipe.ts';
import type { Tensor } from '../shared/tensor.ts';
import { formsDiffer } from './scale/forms.ts';
import { vgg16, vgg16Layers } from './scale/vgg16.ts';
import { sharingWork, type Work } from './scale/work.ts';
import { commandOf } from './zip/provenance.ts';

const { values } = parseArgs({
  options: {
    width: { type: 'string' },
    size: { type: 'string' },
    samples: { type: 'string', default: '64' },
    wiring: { type: 'string', default: 'one-way' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const settings = z
  .object({
    width: z.coerce.number().gt(0).max(1),
    size: z.coerce.number().int().multipleOf(32).min(32),
    samples: z.coerce.number().int().min(1),
    wiring: z.enum(wirings),
  })
  .parse({ ...(values.quick ? { width: 1 / 16, size: 64 } : { width: 1, size: 224 }), ...values });
const resultsFile =
  values.json ?? (values.quick ? undefined : join(import.meta.dirname, 'scale', 'results.json'));

/** Peak resident memory allowed. */
const memoryLimitGiB = 16;
const gib = (bytes: number): number => bytes / 2 ** 30;
const peakGiB = (): number => gib(process.resourceUsage().maxRSS * 1024);

/** Seconds of processor time of all threads so far. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Floating-point operations a processor second of one product of two large square matrices, the fastest of some. */
async function rateOf(dtype: 'float32' | 'float64'): Promise<number> {
  const side = values.quick ? 256 : 2048;
  const graph = new Graph('rate');
  graph.inputs = ['a', 'b'].map((name) => ({ name, dtype, dims: [side, side] }));
  graph.addNode('MatMul', ['a', 'b'], ['product']);
  graph.outputs = [{ name: 'product', dtype, dims: [side, side] }];
  const session = await createSession(graph, { provider: 'cpu' });
  const random = new Random(1);
  const numbers = Float64Array.from({ length: side * side }, () => random.normal());
  const matrix: Tensor =
    dtype === 'float64'
      ? { dtype, dims: [side, side], data: numbers }
      : { dtype, dims: [side, side], data: Float32Array.from(numbers) };
  let fastest = Infinity;
  for (let round = 0; round < 6; round += 1) {
    const started = cpuSeconds();
    await session.run({ a: matrix, b: matrix });
    fastest = Math.min(fastest, cpuSeconds() - started);
  }
  await session.release();
  return (2 * side ** 3) / fastest;
}
type Rates = Readonly<Record<keyof Work, number>>;
const rates = async (): Promise<Rates> => ({
  float32: await rateOf('float32'),
  float64: await rateOf('float64'),
});

function randomImages(seed: number, classes: number): Dataset {
  const { size, samples } = settings;
  const random = new Random(seed);
  return memoryDataset({
    sampleDims: [3, size, size],
    classes,
    labels: Int32Array.from({ length: samples }, (_, index) => index % classes),
    inputs: Float32Array.from({ length: samples * 3 * size * size }, () => random.normal()),
  });
}

const [load = 0] = loadavg();
const run = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  node: process.version,
  command: commandOf('bench:scale', process.argv.slice(2)),
  // Other programs were at work above 1.
  load: Number(load.toFixed(1)),
};
const asked = recipe.parse({
  wiring: settings.wiring,
  share: { share: 1 },
  gramSamples: settings.samples,
  retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 1, learningRate: 1e-3, distillation: 0 },
});
const before = await rates();
console.error(
  `GFLOP a processor second: ${(before.float32 / 1e9).toFixed(0)} in float32, ${(before.float64 / 1e9).toFixed(0)} in float64`,
);
const shapes = [1000, 40].map((classes) => ({ classes, size: settings.size, width: settings.width }));
const sources = shapes.map((shape, index) => {
  const task = index === 0 ? 'objects' : 'faces';
  return { task, graph: vgg16(task, index + 1, shape), train: randomImages(index + 3, shape.classes) };
});
const [first] = shapes;
const layers = first ? vgg16Layers(first) : [];
const parameters = layers.reduce((sum, { inputs, channels }) => sum + (inputs + 1) * channels, 0);
console.error(`${(parameters / 1e6).toFixed(1)} M parameters; ${peakGiB().toFixed(1)} GiB before zipping`);

const shared = new Map<string, ShareTime & { readonly cpuSeconds: number; readonly peakGiB: number }>();
const started = performance.now();
const cpuAtStart = cpuSeconds();
let cpuBefore = cpuAtStart;
const { network, notes } = await zip(sources, asked, {
  provider: 'cpu',
  onProgress: (event) => {
    if (event.stage !== 'share') return;
    const cpuNow = cpuSeconds();
    shared.set(event.layer, { ...event.took, cpuSeconds: cpuNow - cpuBefore, peakGiB: peakGiB() });
    cpuBefore = cpuNow;
    const seconds = Object.values(event.took).map((ms) => (ms / 1000).toFixed(1));
    console.error(`${event.layer}: ${seconds.join(' + ')} s, peak ${peakGiB().toFixed(1)} GiB`);
  },
});
const totalMs = performance.now() - started;
const totalCpuSeconds = cpuSeconds() - cpuAtStart;
const after = await rates();
const rate = {
  float32: Math.max(before.float32, after.float32),
  float64: Math.max(before.float64, after.float64),
};

/** What products take at the machine's rate. */
const idealSeconds = ({ float32, float64 }: Work): number => float32 / rate.float32 + float64 / rate.float64;
const rows = layers.flatMap((layer, index) => {
  const took = shared.get(layer.name);
  if (!took) return [];
  const work = sharingWork(layer, layers.slice(0, index), settings.samples, defaultGramBytes);
  const products = Object.values(work).reduce((sum, each) => sum + idealSeconds(each), 0);
  return [{ layer, took, productSeconds: products }];
});
const seconds = (ms: number): string => (ms / 1000).toFixed(1);
console.table(
  rows.map(({ layer, took, productSeconds }) => ({
    layer: layer.name,
    inputs: layer.inputs,
    channels: layer.channels,
    'measure s': seconds(took.measureMs),
    'pair s': seconds(took.pairMs),
    'merge s': seconds(took.mergeMs),
    'refit s': seconds(took.refitMs),
    'processor s': took.cpuSeconds.toFixed(1),
    'of it products': `${((100 * productSeconds) / took.cpuSeconds).toFixed(0)} %`,
    'peak GiB': took.peakGiB.toFixed(1),
  })),
);
const productSeconds = rows.reduce((sum, row) => sum + row.productSeconds, 0);
const stored = [...network.rows.values()]
  .flatMap((each) => each.flatMap(({ parts }) => parts))
  .reduce((sum, { weight, bias }) => sum + weight.data.length + (bias?.length ?? 0), 0);
const few = {
  ...(values.quick
    ? { inputs: 129, samples: 16, channels: 8 }
    : { inputs: 2049, samples: 256, channels: 128 }),
  damping: asked.damping,
};
const differs = await formsDiffer(few);
const gigaflops = (of: number): string => (of / 1e9).toFixed(0);
console.log(
  [
    `Zipped in ${seconds(totalMs)} s, ${totalCpuSeconds.toFixed(1)} s of the processors' time.`,
    `${((100 * productSeconds) / totalCpuSeconds).toFixed(0)} % of that are matrix products, at ${gigaflops(rate.float64)} GFLOP a processor second in float64 and ${gigaflops(rate.float32)} in float32.`,
    `${(parameters / 1e6).toFixed(1)} M parameters a network, ${(stored / 1e6).toFixed(1)} M zipped.`,
    `Peak memory ${peakGiB().toFixed(1)} GiB; the limit is ${memoryLimitGiB} GiB.`,
    `${few.samples} samples a side of ${few.inputs} inputs, in place of their Gram matrices, at damping ${few.damping}: costs differ by ${differs.cost.toExponential(1)} of the largest, merged weights by ${differs.weights.toExponential(1)}.`,
    ...notes,
    ...(load > 1 ? [`The machine was busy (load ${load.toFixed(1)}): the clock says little.`] : []),
  ].join('\n'),
);
if (resultsFile !== undefined) {
  const report = {
    ...{ run, settings: { ...settings, gramBytes: defaultGramBytes, damping: asked.damping } },
    ...{ parameters, stored, rate, notes },
    ...{ totalMs, totalCpuSeconds, productSeconds, peakGiB: peakGiB(), memoryLimitGiB },
    layers: rows.map(({ layer, took, productSeconds: products }) => ({
      ...layer,
      ...took,
      ...{ productSeconds: products, productShare: products / took.cpuSeconds },
    })),
    formsDiffer: { ...few, ...differs },
  };
  await writeFileAtomically(resultsFile, Buffer.from(`${JSON.stringify(report, null, 2)}\n`));
}
if (peakGiB() > memoryLimitGiB) process.exitCode = 1;
