/**
 * How long it takes, and how much memory, to zip two networks of the size of VGG-16: 138 million random weights each,
 * images of 224x224, 1000 and 40 classes, everything shared, no retraining.
 *
 *   node bench/scale.ts [--width 1] [--size 224] [--samples 64] [--wiring one-way] [--json FILE]
 *
 * Beside each layer's time stands what its matrix products would take at the rate that this machine multiplies large
 * matrices at, measured before and after; the difference is everything else. Peak memory is the process's own, as the
 * kernel counts it.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { memoryDataset, type Dataset } from '../gpu-runner/engine/dataset.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { createSession } from '../gpu-runner/engine/session.ts';
import { defaultGramBytes } from '../gpu-runner/mtz/gramForm.ts';
import { zip } from '../gpu-runner/mtz/zip.ts';
import type { ShareTime } from '../gpu-runner/mtz/zipper.ts';
import { Graph } from '../gpu-runner/onnx/graph.ts';
import { recipe, wirings } from '../shared/recipe.ts';
import type { Tensor } from '../shared/tensor.ts';
import { vgg16, vgg16Layers } from './scale/vgg16.ts';
import { sharingWork, type Work } from './scale/work.ts';

const { values } = parseArgs({
  options: {
    width: { type: 'string', default: '1' },
    size: { type: 'string', default: '224' },
    samples: { type: 'string', default: '64' },
    wiring: { type: 'string', default: 'one-way' },
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
  .parse(values);

/** Peak resident memory allowed. */
const memoryLimitGiB = 16;
const gib = (bytes: number): number => bytes / 2 ** 30;
const peakGiB = (): number => gib(process.resourceUsage().maxRSS * 1024);

/** Floating-point operations a second of one product of two large square matrices, the fastest of some. */
async function rateOf(dtype: 'float32' | 'float64'): Promise<number> {
  const side = 2048;
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
    const started = performance.now();
    await session.run({ a: matrix, b: matrix });
    fastest = Math.min(fastest, performance.now() - started);
  }
  await session.release();
  return (2 * side ** 3) / (fastest / 1000);
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
const before = await rates();
console.error(
  `float32 ${(before.float32 / 1e9).toFixed(0)} GFLOP/s, float64 ${(before.float64 / 1e9).toFixed(0)}`,
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

const shared = new Map<string, ShareTime & { readonly peakGiB: number }>();
const started = performance.now();
const { network } = await zip(
  sources,
  recipe.parse({
    wiring: settings.wiring,
    share: { share: 1 },
    gramSamples: settings.samples,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 1, learningRate: 1e-3, distillation: 0 },
  }),
  {
    provider: 'cpu',
    onProgress: (event) => {
      if (event.stage !== 'share') return;
      shared.set(event.layer, { ...event.took, peakGiB: peakGiB() });
      const seconds = Object.values(event.took).map((ms) => (ms / 1000).toFixed(1));
      console.error(`${event.layer}: ${seconds.join(' + ')} s, peak ${peakGiB().toFixed(1)} GiB`);
    },
  },
);
const totalMs = performance.now() - started;
const after = await rates();
const rate = {
  float32: Math.max(before.float32, after.float32),
  float64: Math.max(before.float64, after.float64),
};

const idealMs = ({ float32, float64 }: Work): number =>
  1000 * (float32 / rate.float32 + float64 / rate.float64);
const rows = layers.flatMap((layer, index) => {
  const took = shared.get(layer.name);
  if (!took) return [];
  const work = sharingWork(layer, layers.slice(0, index), settings.samples, defaultGramBytes);
  const ideal = { measure: idealMs(work.measure), pair: idealMs(work.pair), merge: idealMs(work.merge) };
  const ms = took.measureMs + took.pairMs + took.mergeMs;
  return [{ layer, took, ideal, ms, idealMs: ideal.measure + ideal.pair + ideal.merge }];
});
const seconds = (ms: number): string => (ms / 1000).toFixed(1);
console.table(
  rows.map(({ layer, took, ideal, ms, idealMs: least }) => ({
    layer: layer.name,
    inputs: layer.inputs,
    channels: layer.channels,
    'measure s': `${seconds(took.measureMs)} (${seconds(ideal.measure)})`,
    'pair s': `${seconds(took.pairMs)} (${seconds(ideal.pair)})`,
    'merge s': `${seconds(took.mergeMs)} (${seconds(ideal.merge)})`,
    'all s': seconds(ms),
    'matrix products': `${((100 * least) / ms).toFixed(0)} %`,
    'peak GiB': took.peakGiB.toFixed(1),
  })),
);
const layersMs = rows.reduce((sum, { ms }) => sum + ms, 0);
const leastMs = rows.reduce((sum, row) => sum + row.idealMs, 0);
const stored = [...network.rows.values()]
  .flatMap((each) => each.flatMap(({ parts }) => parts))
  .reduce((sum, { weight, bias }) => sum + weight.data.length + (bias?.length ?? 0), 0);
console.log(
  [
    `In brackets: the matrix products at ${(rate.float64 / 1e9).toFixed(0)} GFLOP/s (float64) and ${(rate.float32 / 1e9).toFixed(0)} (float32), as measured.`,
    `Zipped in ${seconds(totalMs)} s, ${seconds(layersMs)} s of it in layers; ${((100 * leastMs) / totalMs).toFixed(0)} % are matrix products at that rate.`,
    `${(parameters / 1e6).toFixed(1)} M parameters a network, ${(stored / 1e6).toFixed(1)} M zipped.`,
    `Peak memory ${peakGiB().toFixed(1)} GiB; the limit is ${memoryLimitGiB} GiB.`,
    ...(load > 1 ? [`The machine was busy (load ${load.toFixed(1)}): measure again when it is idle.`] : []),
  ].join('\n'),
);
if (values.json !== undefined) {
  const report = {
    ...{ cpu: cpus()[0]?.model, load, ...settings, parameters, stored, rate, totalMs, peakGiB: peakGiB() },
    layers: rows,
  };
  await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
if (peakGiB() > memoryLimitGiB) process.exitCode = 1;
