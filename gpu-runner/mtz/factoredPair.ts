import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { dot, matrix, row, rowsBetween, transpose, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { backThrough, channelRanges, responses, samplesSystem, type FactoredGram } from './factoredGram.ts';

/**
 * Two sides with factored Gram matrices A = X_A'X_A + alpha I and B = X_B'X_B + beta I. With X both sides' samples,
 * s = alpha + beta and K = s I + X X', every channel c is seen as
 *
 *   g(c) = [beta / s X_A c; -alpha / s X_B c],
 *
 * and Woodbury's identity gives without loss of digits, for d = a - b,
 *
 *   d'Pd                      = alpha beta / s |d|^2 + s g(d)'K^-1 g(d)      with P = A (A + B)^-1 B
 *   (A + B)^-1 (A a + B b)    = (alpha a + beta b) / s + X'K^-1 g(d)
 */
class FactoredPair {
  readonly shareA: number;
  readonly shareB: number;
  readonly scale: number;
  readonly factors: readonly Matrix[];
  private readonly samplesA: number;
  private readonly factor: Matrix;

  private constructor(a: FactoredGram, b: FactoredGram, factor: Matrix) {
    this.scale = a.damping + b.damping;
    this.shareA = a.damping / this.scale;
    this.shareB = b.damping / this.scale;
    this.factors = [...a.factors, ...b.factors];
    this.samplesA = a.factors.reduce((sum, { rows }) => sum + rows, 0);
    this.factor = factor;
  }

  /** @throws {RangeError} when sizes differ, neither side is damped, or K is not positive definite. */
  static async of(a: FactoredGram, b: FactoredGram): Promise<FactoredPair> {
    const scale = a.damping + b.damping;
    if (a.rows !== b.rows)
      throw new RangeError(`Cannot compare Gram matrices of ${a.rows} and of ${b.rows} inputs`);
    if (!(a.damping >= 0 && b.damping >= 0 && scale > 0))
      throw new RangeError(
        `Cannot solve with fewer samples than inputs undamped: the damping is ${a.damping} and ${b.damping}`,
      );
    return new FactoredPair(a, b, await cholesky(await samplesSystem([...a.factors, ...b.factors], scale)));
  }

  /** g of every channel: [samples, channels]. */
  async seen(channels: Matrix): Promise<Matrix> {
    const g = await responses(this.factors, channels);
    for (let i = 0; i < g.rows; i += 1) {
      const by = i < this.samplesA ? this.shareB : -this.shareA;
      const own = row(g, i);
      for (let k = 0; k < own.length; k += 1) own[k] = (own[k] ?? 0) * by;
    }
    return g;
  }

  /** K^-1 g. */
  solve(g: Matrix): Promise<Matrix> {
    return choleskySolve(this.factor, g);
  }
}

/** As `sharingCost`, for factored Gram matrices. */
export async function factoredCost(
  a: Matrix,
  b: Matrix,
  gramA: FactoredGram,
  gramB: FactoredGram,
): Promise<Matrix> {
  const pair = await FactoredPair.of(gramA, gramB);
  const plain = pair.scale * pair.shareA * pair.shareB;
  const [seenA, seenB] = [await pair.seen(a), await pair.seen(b)];
  const [solvedA, solvedB] = [await pair.solve(seenA), await pair.solve(seenB)];
  const cross = await multiply(seenA, solvedB, { transposeA: true });
  const inner = await multiply(a, b, { transposeB: true });
  const squareOf = (channels: Matrix, seen: Matrix, solved: Matrix): Float64Array => {
    const products = columnProducts(seen, solved);
    return products.map((value, i) => plain * dot(row(channels, i), row(channels, i)) + pair.scale * value);
  };
  const [squaresA, squaresB] = [squareOf(a, seenA, solvedA), squareOf(b, seenB, solvedB)];
  const cost = matrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i += 1) {
    for (let j = 0; j < b.rows; j += 1) {
      const at = i * b.rows + j;
      const both = plain * (inner.data[at] ?? 0) + pair.scale * (cross.data[at] ?? 0);
      // Equal channels come out as rounding error of either sign.
      cost.data[at] = Math.max(0, ((squaresA[i] ?? 0) + (squaresB[j] ?? 0)) / 2 - both);
    }
  }
  return cost;
}

/** As `sharedWeights`, for factored Gram matrices. */
export async function factoredWeights(
  a: Matrix,
  b: Matrix,
  gramA: FactoredGram,
  gramB: FactoredGram,
): Promise<Matrix> {
  const pair = await FactoredPair.of(gramA, gramB);
  const result = matrix(a.rows, a.cols);
  for (const [start, end] of channelRanges(a.rows)) {
    const [ofA, ofB] = [rowsBetween(a, start, end), rowsBetween(b, start, end)];
    const shared = rowsBetween(result, start, end).data;
    // First the differences, then the weights, in the place of the result.
    for (let k = 0; k < shared.length; k += 1) shared[k] = (ofA.data[k] ?? 0) - (ofB.data[k] ?? 0);
    const solved = await pair.solve(await pair.seen(rowsBetween(result, start, end)));
    const moved = await backThrough(pair.factors, solved);
    for (let k = 0; k < shared.length; k += 1)
      shared[k] = pair.shareA * (ofA.data[k] ?? 0) + pair.shareB * (ofB.data[k] ?? 0) + (moved.data[k] ?? 0);
  }
  return result;
}

/** The product of each column with the same column of another matrix. */
function columnProducts(a: Matrix, b: Matrix): Float64Array {
  const [byA, byB] = [transpose(a), transpose(b)];
  return Float64Array.from({ length: a.cols }, (_, i) => dot(row(byA, i), row(byB, i)));
}
