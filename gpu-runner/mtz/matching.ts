import type { Matching } from '../../shared/recipe.ts';
import { Random } from '../engine/random.ts';
import { assign } from '../linalg/assignment.ts';
import { at, matrix, type Matrix } from '../linalg/matrix.ts';

/** Channel `a` of one side and channel `b` of the other become one, at a predicted cost. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly cost: number;
}

/**
 * Chooses `count` pairs, each channel in at most one, in the order of `a`.
 *
 * @param cost [channels of a, channels of b], finite
 * @param random what 'random' draws the pairs from
 * @throws {RangeError} when there are fewer than `count` channels on a side, or a cost is not a finite number.
 */
export async function match(
  cost: Matrix,
  count: number,
  matching: Matching,
  random = new Random(1),
): Promise<Pair[]> {
  if (!Number.isInteger(count) || count < 0 || count > Math.min(cost.rows, cost.cols)) {
    throw new RangeError(`Cannot choose ${count} pairs of ${cost.rows} and ${cost.cols} channels`);
  }
  const wrong = cost.data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const [a, b] = [Math.floor(wrong / cost.cols), wrong % cost.cols];
    throw new RangeError(`Cannot match channels: the cost of ${a} with ${b} is ${cost.data[wrong] ?? NaN}`);
  }
  switch (matching) {
    case 'optimal':
      return optimal(cost, count);
    case 'greedy':
      return greedy(cost, count);
    case 'random':
      return atRandom(cost, count, random);
  }
}

/**
 * The pairs of least total cost. For fewer pairs than channels, dummy channels take up those left over: each costs
 * nothing, and two dummies may not meet, so exactly `count` real channels pair with each other.
 */
async function optimal(cost: Matrix, count: number): Promise<Pair[]> {
  const { rows, cols } = cost;
  const size = rows + cols - count;
  const padded = matrix(size, size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) {
      const dummies = (i < rows ? 0 : 1) + (j < cols ? 0 : 1);
      padded.data[i * size + j] = dummies === 0 ? at(cost, i, j) : dummies === 1 ? 0 : Infinity;
    }
  }
  const pairs: Pair[] = [];
  (await assign(padded)).subarray(0, rows).forEach((b, a) => {
    if (b < cols) pairs.push({ a, b, cost: at(cost, a, b) });
  });
  return pairs;
}

/** The paper's choice: the cheapest pair whose channels are both free, again and again. */
function greedy(cost: Matrix, count: number): Pair[] {
  const order = Uint32Array.from(cost.data.keys()).sort(
    (one, other) => (cost.data[one] ?? 0) - (cost.data[other] ?? 0) || one - other,
  );
  const takenA = new Set<number>();
  const takenB = new Set<number>();
  const pairs: Pair[] = [];
  for (const index of order) {
    if (pairs.length === count) break;
    const [a, b] = [Math.floor(index / cost.cols), index % cost.cols];
    if (takenA.has(a) || takenB.has(b)) continue;
    takenA.add(a);
    takenB.add(b);
    pairs.push({ a, b, cost: cost.data[index] ?? 0 });
  }
  return pairs.sort((one, other) => one.a - other.a);
}

/** The control: every choice of that many pairs is as likely as any other. */
function atRandom(cost: Matrix, count: number, random: Random): Pair[] {
  const [ofA, ofB] = [random.permutation(cost.rows), random.permutation(cost.cols)];
  return Array.from({ length: count }, (_, index) => {
    const [a, b] = [ofA[index] ?? 0, ofB[index] ?? 0];
    return { a, b, cost: at(cost, a, b) };
  }).sort((one, other) => one.a - other.a);
}
