import {
  dot,
  matrix,
  plus,
  row,
  rowsBetween,
  isWhole,
  selectColumns,
  type Matrix,
} from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { absorbDropped, type Absorbed } from './absorb.ts';
import { channelRanges, halfSquares, isFactored, type Gram } from './factoredGram.ts';
import { maskChannel } from './maskChannel.ts';
import { columnsOf, keyOf, type InputBlock, type Network, type Part } from './network.ts';
import { gramOfBlocks, type TaskGram } from './taskGram.ts';
import { contains, members, type TaskSet } from './taskSet.ts';
import { sharedWeights } from './update.ts';

/** One side of what is merged: some channels' weights on what both sides read. */
export interface Side {
  /** [channels, common columns + 1], bias last; what the one-way wiring drops is made up for as well as can be. */
  readonly weights: Matrix;
  /** [channels]: what the dropped inputs cost all the same. */
  readonly losses: Float64Array;
  /** On the common columns and the bias. */
  readonly gram: Gram;
}

/** What two sides that are merged read in common, and each of them on it. */
export interface Sides {
  readonly common: readonly InputBlock[];
  readonly a: Side;
  readonly b: Side;
}

/**
 * Makes two parts of a layer comparable.
 *
 * @param grams by task: damped and weighed, in the network's layout
 */
export async function sidesOf(
  network: Pick<Network, 'wiring'>,
  a: Part,
  b: Part,
  grams: readonly (TaskGram | undefined)[],
): Promise<Sides> {
  const both = a.use | b.use;
  const readByB = new Set(b.inputs.map(keyOf));
  const common = a.inputs.filter((input) => contains(input.from, both) && readByB.has(keyOf(input)));
  const shared = new Set(common.map(keyOf));
  const sideOf = async (part: Part): Promise<Side> => {
    const drops = network.wiring === 'one-way';
    const dropped = drops ? part.inputs.filter((input) => !shared.has(keyOf(input))) : [];
    const own = members(part.use).flatMap((task) => grams[task] ?? []);
    const { weights, losses } = await withoutInputs(part, common, dropped, own);
    return { weights, losses, gram: gramOfBlocks(own, common) };
  };
  return { common, a: await sideOf(a), b: await sideOf(b) };
}

/** A part's weights on the common inputs once the dropped ones are gone, and what that costs each channel. */
function withoutInputs(
  part: Part,
  common: readonly InputBlock[],
  dropped: readonly InputBlock[],
  grams: readonly TaskGram[],
): Promise<Absorbed> {
  // The dropped inputs go first so that the bias stays last, behind the common ones.
  const inputs = [...dropped, ...common];
  const lost = dropped.reduce((sum, { columns }) => sum + columns, 0);
  const weights = weightsOn(part, inputs);
  if (dropped.length === 0) return Promise.resolve({ weights, losses: new Float64Array(weights.rows) });
  const kept = Array.from({ length: weights.cols - lost }, (_, k) => lost + k);
  return absorbDropped(weights, gramOfBlocks(grams, inputs), kept);
}

/** A part's weights on some of its inputs, bias last: [channels, columns + 1]. */
function weightsOn({ inputs, weight, bias }: Part, wanted: readonly InputBlock[]): Matrix {
  const columns = columnsOf(inputs);
  const chosen = Uint32Array.from(wanted.flatMap((input) => columns.get(keyOf(input)) ?? []));
  const result = matrix(weight.rows, chosen.length + 1);
  const isAll = isWhole(chosen, weight.cols);
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const [from, to] = [row(weight, channel), row(result, channel)];
    if (isAll) to.set(from);
    else for (let k = 0; k < chosen.length; k += 1) to[k] = from[chosen[k] ?? 0] ?? 0;
    to[chosen.length] = bias?.[channel] ?? 0;
  }
  return result;
}

/**
 * Two parts with the same channels as one that the tasks of both use. Where the wiring is not one-way, each side goes on
 * reading what only it has by a part of its own.
 *
 * @returns the parts, and the second-order loss that merging adds
 * @throws {RangeError} when a Gram matrix is not positive definite: damp it first.
 */
export async function mergeParts(
  network: Pick<Network, 'wiring' | 'sparse'>,
  a: Part,
  b: Part,
  grams: readonly (TaskGram | undefined)[],
): Promise<{ parts: Part[]; cost: number }> {
  const sides = await sidesOf(network, a, b, grams);
  const { common } = sides;
  const solved = await sharedWeights(sides.a.weights, sides.b.weights, sides.a.gram, sides.b.gram);
  const shared = network.sparse ? masked(solved, a, b, common) : solved;
  roundInPlace(shared);
  const merged: Part = { use: a.use | b.use, inputs: common, ...withoutBias(shared) };
  const rest = network.wiring === 'one-way' ? [] : [remainder(a, common), remainder(b, common)];
  const cost =
    sum(sides.a.losses) +
    sum(sides.b.losses) +
    (await lossOf(shared, sides.a)) +
    (await lossOf(shared, sides.b));
  return { parts: [merged, ...rest.filter((part) => part.inputs.length > 0)], cost };
}

/** As float32 holds it: what is stored, trained and served. */
function roundInPlace({ data }: Matrix): void {
  for (let k = 0; k < data.length; k += 1) data[k] = Math.fround(data[k] ?? 0);
}

/** Weights and biases apart. */
function withoutBias(both: Matrix): { weight: Matrix; bias: Float64Array } {
  const weight = matrix(both.rows, both.cols - 1);
  const bias = new Float64Array(both.rows);
  for (let channel = 0; channel < both.rows; channel += 1) {
    const own = row(both, channel);
    row(weight, channel).set(own.subarray(0, weight.cols));
    bias[channel] = own[weight.cols] ?? 0;
  }
  return { weight, bias };
}

/** The zeros that stay of two parts' weights on what they read in common, bias last. */
function masked(shared: Matrix, a: Part, b: Part, common: readonly InputBlock[]): Matrix {
  const result = matrix(shared.rows, shared.cols, shared.data.slice());
  const sides = [weightsOn(a, common), weightsOn(b, common)] as const;
  for (let channel = 0; channel < shared.rows; channel += 1) {
    const [merged, ofA, ofB] = [result, ...sides].map((each) => row(each, channel).subarray(0, -1));
    if (merged && ofA && ofB) maskChannel(merged, ofA, ofB);
  }
  return result;
}

/** What of a part is not on the given inputs. */
function remainder(part: Part, gone: readonly InputBlock[]): Part {
  const keys = new Set(gone.map(keyOf));
  const inputs = part.inputs.filter((input) => !keys.has(keyOf(input)));
  const columns = columnsOf(part.inputs);
  const chosen = inputs.flatMap((input) => columns.get(keyOf(input)) ?? []);
  return { use: part.use, inputs, weight: selectColumns(part.weight, chosen), bias: null };
}

/** Sum over channels of d'Hd / 2 with d what the shared weights differ by from a side's own. */
async function lossOf(shared: Matrix, { weights, gram }: Side): Promise<number> {
  if (!isFactored(gram)) {
    const difference = plus(shared, weights, -1);
    return dot((await multiply(difference, gram)).data, difference.data) / 2;
  }
  let total = 0;
  for (const [start, end] of channelRanges(shared.rows)) {
    const difference = plus(rowsBetween(shared, start, end), rowsBetween(weights, start, end), -1);
    total += sum(await halfSquares(gram, difference));
  }
  return total;
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** The part that holds a block's bias for some tasks: the one that merging goes on from. */
export const mainPart = (parts: readonly Part[], use: TaskSet): Part | undefined =>
  parts.find((part) => part.use === use && part.bias !== null);
