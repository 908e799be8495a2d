import type { Dataset } from '../engine/dataset.ts';
import { int, ints, type Graph } from '../onnx/graph.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { smallSolve } from '../linalg/smallSolve.ts';
import { addPadding, bandsOf, overBands } from './bands.ts';
import { writeInput } from './gram.ts';
import type { Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { addUp, overSamples, samplesAtOnce, type GramOptions } from './overSamples.ts';
import { homesOf, ownOrder } from './taskWriter.ts';
import { kernelArea, valueAt, type Channelwise, type Convolution } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * What one task's samples look like to a step that reads every channel by itself: for each channel, in the order of the
 * task's own network, the mean of x x' with x its window and a 1 for the bias.
 */
export interface ChannelGrams {
  /** Window positions + 1. */
  readonly size: number;
  /** [channels, size, size] */
  readonly data: Float64Array;
}

/**
 * The Gram matrices of one task at a channelwise step, through the network as it stands.
 *
 * @throws {Error} when there are no samples.
 */
export async function measureChannelGrams(
  network: Network,
  step: Channelwise,
  task: number,
  data: Dataset,
  options: GramOptions,
): Promise<ChannelGrams> {
  const order = ownOrder(network, step.input, task, homesOf(network, step.input, task));
  const channels = order.length;
  const area = kernelArea(step);
  const { size } = valueAt(network.topology, step.output);
  const writer = new NetworkWriter(network, 'grams');
  const joined = writeInput(network, step.input, task, writer);
  const totals = {
    products: new Float64Array(channels * area * area),
    sums: new Float64Array(channels * area),
  };
  const write = (graph: Graph, columns: string): string[] => {
    writeWindows(graph, columns, channels, area);
    return Object.keys(totals);
  };
  const add = (results: Readonly<Record<string, Tensor>>): void => addUp(totals, results);
  const positions = elementCount(size);
  const window = windowOf(step, size);
  const bands = bandsOf(channels * area, window, size, options);
  if (bands) {
    const map = addPadding(writer.graph, joined, bands.convolution);
    await overBands(writer.finish([map]), step.name, data, bands, { map, write }, options, add);
  } else {
    const graph = writer.finish(
      write(writer.graph, unfold(writer.graph, joined, window, size, channels * area)),
    );
    await overSamples(
      graph,
      step.name,
      data,
      samplesAtOnce(network, channels * area, positions),
      options,
      add,
    );
  }

  const count = options.samples.length * positions;
  const n = area + 1;
  const grams = new Float64Array(channels * n * n);
  for (const [channel, at] of order.entries()) {
    const gram = grams.subarray(channel * n * n, (channel + 1) * n * n);
    for (let i = 0; i < area; i += 1) {
      for (let j = 0; j < area; j += 1)
        gram[i * n + j] = (totals.products[(at * area + i) * area + j] ?? 0) / count;
      gram[i * n + area] = gram[area * n + i] = (totals.sums[at * area + i] ?? 0) / count;
    }
    gram[n * n - 1] = 1;
  }
  return { size: n, data: grams };
}

/** The products and sums of every channel's window, float64. @param columns [channels * area, positions], float32 */
function writeWindows(graph: Graph, columns: string, channels: number, area: number): void {
  graph.addNode('Reshape', [columns, graph.addIntegers('apart', [channels, area, -1])], ['windows']);
  graph.addNode('Cast', ['windows'], ['exact'], { to: int(11) });
  graph.addNode('Transpose', ['exact'], ['turned'], { perm: ints([0, 2, 1]) });
  graph.addNode('MatMul', ['exact', 'turned'], ['products']);
  graph.addNode('ReduceSum', ['exact', graph.addIntegers('axis', [2])], ['sums'], { keepdims: int(0) });
}

/** A scale reads windows of one position. */
export function windowOf({ convolution }: Channelwise, size: readonly number[]): Convolution | null {
  if (convolution || size.length === 0) return convolution;
  const [ones, zeros] = [size.map(() => 1), size.flatMap(() => [0, 0])];
  return { kernel: ones, strides: ones, pads: zeros, dilations: ones };
}

/** Every channel's matrix made definite and weighed, as `damp` does a whole one. */
export function dampChannels({ size, data }: ChannelGrams, damping: number, weight: number): ChannelGrams {
  const area = size * size;
  const damped = Float64Array.from(data, (value) => weight * value);
  for (let start = 0; start < data.length; start += area) {
    let trace = 0;
    for (let k = 0; k < size; k += 1) trace += data[start + k * (size + 1)] ?? 0;
    for (let k = 0; k < size; k += 1) {
      const at = start + k * (size + 1);
      damped[at] = (damped[at] ?? 0) + (weight * damping * trace) / size;
    }
  }
  return { size, data: damped };
}

/** The sum of some channels' matrices, [size, size]. */
export function sumOfChannels(
  grams: readonly { readonly grams: ChannelGrams; readonly channel: number }[],
  size: number,
): Float64Array {
  const total = new Float64Array(size * size);
  for (const { grams: of, channel } of grams) {
    const start = channel * size * size;
    for (let k = 0; k < total.length; k += 1) total[k] = (total[k] ?? 0) + (of.data[start + k] ?? 0);
  }
  return total;
}

/** m v */
function times(m: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j += 1) sum += (m[i * n + j] ?? 0) * (v[j] ?? 0);
    return sum;
  });
}

/**
 * The weights of one channel that two sides share, and the second-order loss that they add: as `sharedWeights` and
 * `sharingCost` for one pair with Gram matrices of its own.
 *
 * @param a [n] weights of the one, bias last
 * @param gramA [n, n]
 */
export function shareChannel(
  a: Float64Array,
  b: Float64Array,
  gramA: Float64Array,
  gramB: Float64Array,
): { weights: Float64Array; cost: number } {
  const sum = gramA.map((value, index) => value + (gramB[index] ?? 0));
  const [pullA, pullB] = [times(gramA, a), times(gramB, b)];
  const weights = smallSolve(
    sum,
    pullA.map((value, index) => value + (pullB[index] ?? 0)),
  );
  const loss = (gram: Float64Array, own: Float64Array): number => {
    const d = own.map((value, index) => (weights[index] ?? 0) - value);
    return times(gram, d).reduce((total, value, index) => total + value * (d[index] ?? 0), 0) / 2;
  };
  return { weights, cost: Math.max(0, loss(gramA, a) + loss(gramB, b)) };
}
