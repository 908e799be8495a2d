import { cholesky, choleskySolve } from '../../gpu-runner/linalg/cholesky.ts';
import { beside, matrix, row, type Matrix } from '../../gpu-runner/linalg/matrix.ts';
import { smallSolve } from '../../gpu-runner/linalg/smallSolve.ts';
import { measureTasks, type MeasureContext } from '../../gpu-runner/mtz/measurements.ts';
import { joinNets, rowsOf, weightedSteps, type Network, type Part } from '../../gpu-runner/mtz/network.ts';
import { readNet } from '../../gpu-runner/mtz/readNet.ts';
import { layersReading, refitStep } from '../../gpu-runner/mtz/refit.ts';
import { valueAt, type Layer } from '../../gpu-runner/mtz/topology.ts';
import { taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';

/** Channels that stay, by layer; all of those that are not named. */
export type Kept = ReadonlyMap<string, number>;

export interface PrunedSize {
  readonly parameters: number;
  /** Multiply-adds on one input. */
  readonly macs: number;
}

/** How much of the untouched network may be left. */
export interface PruneBudget {
  readonly of: keyof PrunedSize;
  /** Fraction, 0 to 1. */
  readonly atMost: number;
}

const task = 'pruned';

const untouched = (graph: Graph): Network =>
  joinNets([readNet(graph, task, { batchNorm: 'fold' })], 'crossed');

/** What a network stores and computes without the channels that go: batch norm is folded. */
export function sizeWith(graph: Graph, kept: Kept): PrunedSize {
  const network = untouched(graph);
  const size = { parameters: 0, macs: 0 };
  const remaining = new Map<number, number>();
  for (const step of layersOf(network)) {
    const { weight } = partOf(network, step);
    const rows = Math.min(weight.rows, kept.get(step.name) ?? weight.rows);
    const columns = Math.round(weight.cols * (remaining.get(step.input) ?? 1));
    const positions = valueAt(network.topology, step.output).size.reduce((product, dim) => product * dim, 1);
    size.parameters += rows * (columns + 1);
    size.macs += rows * columns * positions;
    for (const reader of layersReading(network.topology, step.output))
      remaining.set(reader.input, rows / weight.rows);
  }
  return size;
}

/**
 * The same fraction of the channels of some layers, as many as a budget allows.
 *
 * @param isThinned of a layer's channels; the last layer is never asked
 * @throws {Error} when none of these channels may stay.
 */
export function keptWithin(
  graph: Graph,
  { of, atMost }: PruneBudget,
  isThinned: (channels: number) => boolean,
): Kept {
  const network = untouched(graph);
  const thinned = layersOf(network)
    .slice(0, -1)
    .map((step) => ({ name: step.name, channels: partOf(network, step).weight.rows }))
    .filter(({ channels }) => isThinned(channels));
  const whole = sizeWith(graph, new Map())[of];
  const widest = Math.max(0, ...thinned.map(({ channels }) => channels));
  for (let left = widest; left > 0; left -= 1) {
    const kept = new Map(
      thinned.map(({ name, channels }) => [name, Math.max(1, Math.floor((channels * left) / widest))]),
    );
    if (sizeWith(graph, kept)[of] <= atMost * whole) return kept;
  }
  throw new Error(`Cannot leave ${100 * atMost} % of the ${of}: other layers have more`);
}

/**
 * Takes whole channels from a network, layer by layer: as Optimal Brain Surgeon (Hassibi and Stork 1993) takes weights, a
 * channel at a time, that which costs the layer that reads it least when all others make up for it; then that layer is
 * fitted to what it puts out in the untouched network. The yardstick of merging, with the same samples and the same
 * fitting.
 *
 * @returns the network with the weights of what went 0: {@link sizeWith} says what it takes without them
 * @throws {Error} when more than one layer reads a layer that is to lose channels, or none does.
 */
export async function pruneChannels(graph: Graph, kept: Kept, context: MeasureContext): Promise<Graph> {
  const before = untouched(graph);
  let network = before;
  for (const step of layersOf(before)) {
    const count = kept.get(step.name);
    const part = partOf(network, step);
    if (count === undefined || count >= part.weight.rows) continue;
    const [reader, ...others] = layersReading(network.topology, step.output);
    if (!reader || others.length > 0)
      throw new Error(`Cannot prune ${step.name}: ${reader ? 'several layers read' : 'no layer reads'} it`);
    const [gram] = await measureTasks(network, reader, context);
    const { weight, bias } = partOf(network, reader);
    if (gram?.kind !== 'layer' || !('data' in gram.gram) || !bias)
      throw new Error(`Cannot prune ${step.name}: what reads it was not measured as a matrix`);
    const incoming = beside([weight, matrix(weight.rows, 1, bias)], weight.rows);
    const gone = await leastChannels(incoming, gram.gram, part.weight.rows, part.weight.rows - count);
    network = silenced(network, step, gone);
    network = await refitStep(network, before, reader, await measureTasks(network, reader, context), context);
  }
  return taskGraph(network, task);
}

const layersOf = (network: Network): Layer[] =>
  weightedSteps(network).filter((step): step is Layer => step.kind === 'layer');

function partOf(network: Network, step: Layer): Part {
  const [part] = rowsOf(network, step)[0]?.parts ?? [];
  if (!part) throw new Error(`Cannot prune ${step.name}: it has no weights`);
  return part;
}

/** With channels that put out 0 whatever they read. */
function silenced(network: Network, step: Layer, channels: readonly number[]): Network {
  const part = partOf(network, step);
  const weight = { ...part.weight, data: part.weight.data.slice() };
  const bias = part.bias?.slice() ?? null;
  for (const channel of channels) {
    row(weight, channel).fill(0);
    if (bias) bias[channel] = 0;
  }
  const rows = rowsOf(network, step).map((each) => ({ ...each, parts: [{ ...part, weight, bias }] }));
  return { ...network, rows: new Map(network.rows).set(step.name, rows) };
}

/**
 * The input channels that a layer misses least, one after the other: with P = H^-1 of the inputs that are left, a channel
 * of columns c costs w_c'(P_cc)^-1 w_c / 2, summed over what the layer puts out.
 *
 * @param weights [outputs, channels * columns of each + 1], the bias last
 * @param gram positive definite
 * @param channels of the input
 * @param count that go
 */
export async function leastChannels(
  weights: Matrix,
  gram: Matrix,
  channels: number,
  count: number,
): Promise<number[]> {
  const n = gram.rows;
  const wide = (n - 1) / channels;
  const identity = matrix(n, n);
  for (let q = 0; q < n; q += 1) identity.data[q * n + q] = 1;
  const inverse = await choleskySolve(await cholesky(gram), identity);
  const current = { ...weights, data: weights.data.slice() };
  const left = new Set(Array.from({ length: channels }, (_, channel) => channel));
  const gone: number[] = [];
  while (gone.length < count) {
    let least = { channel: -1, loss: Infinity };
    for (const channel of left) {
      const loss = lossWithout(current, inverse, channel * wide, wide);
      if (loss < least.loss) least = { channel, loss };
    }
    if (least.channel < 0) throw new RangeError(`Cannot take ${count} channels: ${channels} are given`);
    take(current, inverse, least.channel * wide, wide);
    left.delete(least.channel);
    gone.push(least.channel);
  }
  return gone;
}

/** [wide, wide] of the inverse. */
function blockOf({ rows: n, data }: Matrix, start: number, wide: number): Float64Array {
  const block = new Float64Array(wide * wide);
  for (let i = 0; i < wide; i += 1)
    for (let j = 0; j < wide; j += 1) block[i * wide + j] = data[(start + i) * n + start + j] ?? 0;
  return block;
}

/** tr((P_cc)^-1 W_c'W_c) / 2. */
function lossWithout({ rows, cols, data }: Matrix, inverse: Matrix, start: number, wide: number): number {
  const block = blockOf(inverse, start, wide);
  let loss = 0;
  for (let i = 0; i < wide; i += 1) {
    const products = new Float64Array(wide);
    for (let at = start; at < rows * cols; at += cols) {
      const own = data[at + i] ?? 0;
      for (let j = 0; j < wide; j += 1) products[j] = (products[j] ?? 0) + own * (data[at + j] ?? 0);
    }
    loss += (smallSolve(block, products)[i] ?? 0) / 2;
  }
  return loss;
}

/** The others make up for a channel that goes: W -= W_c (P_cc)^-1 P_c, P -= P_c'(P_cc)^-1 P_c. */
function take(weights: Matrix, inverse: Matrix, start: number, wide: number): void {
  const n = inverse.rows;
  const block = blockOf(inverse, start, wide);
  const through = matrix(wide, n);
  for (let q = 0; q < n; q += 1) {
    const own = Float64Array.from({ length: wide }, (_, i) => inverse.data[(start + i) * n + q] ?? 0);
    for (const [i, value] of smallSolve(block, own).entries()) through.data[i * n + q] = value;
  }
  for (const each of [weights, inverse]) {
    for (let r = 0; r < each.rows; r += 1) {
      const target = row(each, r);
      const by = target.slice(start, start + wide);
      for (const [i, factor] of by.entries()) {
        const from = row(through, i);
        for (let q = 0; q < n; q += 1) target[q] = (target[q] ?? 0) - factor * (from[q] ?? 0);
      }
      target.fill(0, start, start + wide);
    }
  }
}
