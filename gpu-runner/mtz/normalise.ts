import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { Random } from '../engine/random.ts';
import { float, type Graph, type ValueInfo } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Network } from './network.ts';
import { overSamples } from './overSamples.ts';
import { partsOf, partTensors } from './parameters.ts';
import { single } from './taskSet.ts';
import { taskInput } from './wiring.ts';

/** The initializers of one batch normalisation. */
export interface Normalisation {
  /** [channels] each, one after the other. */
  readonly scales: readonly string[];
  readonly shifts: readonly string[];
  /** [all channels] */
  readonly mean: string;
  readonly variance: string;
}

export interface Normalised {
  /** Computes what the graph that was given does. */
  readonly graph: Graph;
  readonly normalisations: readonly Normalisation[];
}

export interface NormaliseOptions {
  readonly seed: number;
  readonly provider: Provider;
  readonly signal?: AbortSignal | undefined;
}

/** Samples of a task that statistics are measured on. */
const sampleCount = 512;
/** Samples, and bytes of what is measured, that are computed at once; never less than one sample. */
const most = { samples: 64, bytes: 256 * 2 ** 20 };
const epsilon = 1e-5;

/**
 * A graph of a network in which the batch normalisations that every task keeps, scales and shifts in the network, are
 * normalisations again, by the statistics of what reaches them now. So it can be trained by each batch's own, as the
 * separate networks were (Ioffe & Szegedy 2015), and {@link denormalised} after it.
 */
export async function normalised(
  network: Network,
  graph: Graph,
  data: readonly Dataset[],
  options: NormaliseOptions,
): Promise<Normalised> {
  const normalising = graph.clone();
  const producers = normalising.producers();
  const piecesOf = (name = ''): readonly string[] => {
    const producer = producers.get(name);
    return producer?.op === 'Concat' ? producer.inputs : [name];
  };
  const own = ownScales(network);
  const types = inferShapes(graph);
  const normalisations: Normalisation[] = [];
  for (const [task, dataset] of data.entries()) {
    const nodes = normalising.nodes.filter(
      ({ op, inputs }) =>
        op === 'BatchNormalization' && piecesOf(inputs[1]).every((name) => own.get(name) === task),
    );
    if (nodes.length === 0) continue;
    const reads = nodes.map(({ inputs }): ValueInfo => {
      const [name = ''] = inputs;
      return { name, ...(types.get(name) ?? { dtype: 'float32', dims: [] }) };
    });
    const input = taskInput(network, network.tasks[task] ?? '');
    const statistics = await measure(graph, input, reads, new Random(options.seed, task), dataset, options);
    for (const [index, node] of nodes.entries()) {
      const [input = '', scale = '', shift = ''] = node.inputs;
      const measured = statistics[index] ?? statisticsOf(undefined);
      const names = {
        ...{ scales: piecesOf(scale), shifts: piecesOf(shift) },
        ...{ mean: `${scale}.mean`, variance: `${scale}.variance` },
      };
      rescale(normalising, names, measured, 1);
      normalising.initializers.set(names.mean, vector(measured.mean));
      normalising.initializers.set(names.variance, vector(measured.variance));
      node.inputs = [input, scale, shift, names.mean, names.variance];
      node.attributes = { ...node.attributes, epsilon: float(epsilon) };
      normalisations.push(names);
    }
  }
  return { graph: normalising, normalisations };
}

/** The scales and shifts that do what the normalisations of a trained graph do, by name. */
export function denormalised(
  graph: Graph,
  normalisations: readonly Normalisation[],
): ReadonlyMap<string, Tensor> {
  const plain = graph.clone();
  for (const names of normalisations) {
    const statistics = { mean: valuesOf(plain, names.mean), variance: valuesOf(plain, names.variance) };
    rescale(plain, names, statistics, -1);
  }
  return plain.initializers;
}

/** Which task the scale of each batch normalisation that every task keeps belongs to. */
function ownScales(network: Network): Map<string, number> {
  const scales = new Map<string, number>();
  for (const { step, rows, part } of partsOf(network)) {
    if (step.kind !== 'channelwise' || !step.perTask || !part.bias) continue;
    const task = network.tasks.findIndex((_, position) => part.use === single(position));
    if (task >= 0) scales.set(partTensors(network, step, rows, part).weight.name, task);
  }
  return scales;
}

interface Statistics {
  readonly mean: Float64Array;
  /** Over all samples and places, not one less. */
  readonly variance: Float64Array;
}

/** What samples that enter by one input look like, channel by channel, at some values. */
async function measure(
  graph: Graph,
  input: string,
  reads: readonly ValueInfo[],
  random: Random,
  data: Dataset,
  { provider, signal }: NormaliseOptions,
): Promise<Statistics[]> {
  const distinct = [...new Map(reads.map((read) => [read.name, read])).values()];
  const width = distinct.reduce((sum, { dims }) => sum + elementCount(dims.slice(1).map(Number)), 0);
  const chunk = Math.max(1, Math.min(most.samples, Math.floor(most.bytes / (4 * width))));
  const sums = new Map<string, Sums>();
  const samples = random.permutation(data.size).subarray(0, sampleCount);
  const options = { samples, provider, signal };
  const inputs = graph.inputs.filter(({ name }) => name === input);
  await overSamples(graph.extract(inputs, distinct), input, data, chunk, options, (results) => {
    for (const read of distinct) {
      const { data: values, dims } = results[read.name] ?? { data: new Float32Array(), dims: [] };
      sums.set(read.name, addTo(sums.get(read.name), values as Float32Array, dims));
    }
  });
  return reads.map((read) => statisticsOf(sums.get(read.name)));
}

interface Sums {
  readonly count: number;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** Adds up values and their squares by channel, of [batch, channels, ...size]. */
function addTo(before: Sums | undefined, values: Float32Array, dims: readonly number[]): Sums {
  const [batch = 0, channels = 0, ...size] = dims;
  const places = elementCount(size);
  const first = before?.first ?? new Float64Array(channels);
  const second = before?.second ?? new Float64Array(channels);
  for (let row = 0; row < batch * channels; row += 1) {
    const channel = row % channels;
    let [sum, squares] = [0, 0];
    for (let at = row * places; at < (row + 1) * places; at += 1) {
      const value = values[at] ?? 0;
      sum += value;
      squares += value * value;
    }
    first[channel] = (first[channel] ?? 0) + sum;
    second[channel] = (second[channel] ?? 0) + squares;
  }
  return { count: (before?.count ?? 0) + batch * places, first, second };
}

function statisticsOf(sums: Sums | undefined): Statistics {
  if (!sums) throw new Error('Cannot normalise: nothing was measured');
  const mean = sums.first.map((sum) => sum / sums.count);
  const variance = sums.second.map((sum, channel) =>
    Math.max(0, sum / sums.count - (mean[channel] ?? 0) ** 2),
  );
  return { mean, variance };
}

/**
 * Scale and shift of a normalisation from those without (direction 1), or back (-1): the scale grows by the standard
 * deviation, the shift by what the scale makes of the mean.
 */
function rescale(
  graph: Graph,
  { scales, shifts }: Normalisation,
  { mean, variance }: Statistics,
  direction: 1 | -1,
): void {
  let start = 0;
  for (const [index, scale] of scales.entries()) {
    const shift = shifts[index] ?? '';
    const before = { scale: valuesOf(graph, scale), shift: valuesOf(graph, shift) };
    const end = start + before.scale.length;
    const [means, deviations] = [mean.slice(start, end), variance.slice(start, end).map(deviationOf)];
    start = end;
    const after = before.scale.map((value, channel) => value * (deviations[channel] ?? 1) ** direction);
    const plain = direction === 1 ? before.scale : after;
    const moved = before.shift.map(
      (value, channel) => value + direction * (plain[channel] ?? 0) * (means[channel] ?? 0),
    );
    graph.initializers.set(scale, vector(after));
    graph.initializers.set(shift, vector(moved));
  }
}

const deviationOf = (variance: number): number => Math.sqrt(variance + epsilon);

function valuesOf(graph: Graph, name: string): Float64Array {
  const tensor = graph.initializers.get(name);
  if (tensor?.dtype !== 'float32') throw new Error(`Cannot normalise: the graph does not hold "${name}"`);
  return new Float64Array(tensor.data);
}

const vector = (values: Float64Array): Tensor => ({
  ...{ dtype: 'float32', dims: [values.length] },
  data: new Float32Array(values),
});
