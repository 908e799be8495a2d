import { dot, isWhole, matrix, region, row, selectColumns, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';

/**
 * The Gram matrix X'X + damping I of fewer samples than inputs, never formed: n inputs and m samples take m n numbers
 * instead of n^2, and everything that is solved with it becomes a system of m equations, exactly.
 */
export interface FactoredGram {
  /** Inputs, the constant one of the bias last. */
  readonly rows: number;
  /** Samples of each task that it sums over, one a row, weighed so that X'X is their sum: [samples, inputs] each. */
  readonly factors: readonly Matrix[];
  /** What every input has on the diagonal besides. */
  readonly damping: number;
}

/** What samples look like to a layer: every entry, or the samples themselves where there are too many entries. */
export type Gram = Matrix | FactoredGram;

export const isFactored = (gram: Gram): gram is FactoredGram => 'factors' in gram;

/**
 * Two Gram matrices of one form.
 *
 * @throws {TypeError} when one is factored and the other is not: a layer is measured in one form for all tasks.
 */
export function alike(
  a: Gram,
  b: Gram,
): { factored: false; a: Matrix; b: Matrix } | { factored: true; a: FactoredGram; b: FactoredGram } {
  if (isFactored(a) && isFactored(b)) return { factored: true, a, b };
  if (!isFactored(a) && !isFactored(b)) return { factored: false, a, b };
  throw new TypeError('Cannot compare a Gram matrix with a factored one');
}

/** Channels that are worked on at once where a result for all of them would be one more copy of all weights. */
const channelsAtOnce = 512;

/** Ranges [start, end) of a few channels each. */
export function* channelRanges(channels: number): Generator<readonly [start: number, end: number]> {
  for (let start = 0; start < channels; start += channelsAtOnce)
    yield [start, Math.min(start + channelsAtOnce, channels)];
}

/**
 * What every sample makes of every channel, X c: [samples of all factors, channels].
 *
 * @param channels [channels, inputs]
 */
export async function responses(factors: readonly Matrix[], channels: Matrix): Promise<Matrix> {
  const parts: Matrix[] = [];
  for (const factor of factors) parts.push(await multiply(factor, channels, { transposeB: true }));
  return below(parts, channels.rows);
}

/** Matrices of equal width one below the other. */
export function below(parts: readonly Matrix[], cols: number): Matrix {
  const result = matrix(
    parts.reduce((sum, { rows }) => sum + rows, 0),
    cols,
  );
  let start = 0;
  for (const { data } of parts) {
    result.data.set(data, start);
    start += data.length;
  }
  return result;
}

/** shift I + X X': [samples of all factors, the same]. */
export async function samplesSystem(factors: readonly Matrix[], shift: number): Promise<Matrix> {
  const size = factors.reduce((sum, { rows }) => sum + rows, 0);
  const system = matrix(size, size);
  let top = 0;
  for (const one of factors) {
    let left = 0;
    for (const other of factors) {
      const products = await multiply(one, other, { transposeB: true });
      for (let i = 0; i < one.rows; i += 1) system.data.set(row(products, i), (top + i) * size + left);
      left += other.rows;
    }
    top += one.rows;
  }
  for (let i = 0; i < size; i += 1) system.data[i * (size + 1)] = (system.data[i * (size + 1)] ?? 0) + shift;
  return system;
}

/**
 * y'X: what weighed samples add to channels, [channels, inputs].
 *
 * @param y [samples of all factors, channels], one factor's samples after the other's
 */
export async function backThrough(factors: readonly Matrix[], y: Matrix): Promise<Matrix> {
  let start = 0;
  let total: Matrix | undefined;
  for (const factor of factors) {
    const own = matrix(factor.rows, y.cols, y.data.subarray(start * y.cols, (start + factor.rows) * y.cols));
    const part = await multiply(own, factor, { transposeA: true });
    start += factor.rows;
    if (!total) total = part;
    else
      for (let k = 0; k < part.data.length; k += 1)
        total.data[k] = (total.data[k] ?? 0) + (part.data[k] ?? 0);
  }
  return total ?? matrix(y.cols, 0);
}

/** A Gram matrix on some of its inputs, in the order given. */
export const ofInputs = ({ factors, damping }: FactoredGram, inputs: ArrayLike<number>): FactoredGram => ({
  rows: inputs.length,
  factors: factors.map((factor) => (isWhole(inputs, factor.cols) ? factor : selectColumns(factor, inputs))),
  damping,
});

/** d'Hd / 2 of every row d. */
export async function halfSquares({ factors, damping }: FactoredGram, rows: Matrix): Promise<Float64Array> {
  const made = await responses(factors, rows);
  const result = new Float64Array(rows.rows);
  for (let k = 0; k < made.data.length; k += 1) {
    const channel = k % made.cols;
    result[channel] = (result[channel] ?? 0) + (made.data[k] ?? 0) ** 2 / 2;
  }
  for (let i = 0; i < rows.rows; i += 1) {
    const own = row(rows, i);
    result[i] = (result[i] ?? 0) + (damping * dot(own, own)) / 2;
  }
  return result;
}

/** Entries of a Gram matrix among inputs [start, end) that follow each other. */
export async function diagonalBlock(gram: Gram, start: number, end: number): Promise<Matrix> {
  if (!isFactored(gram)) return region(gram, start, end, start, end);
  const total = matrix(end - start, end - start);
  for (const factor of gram.factors) {
    const own = region(factor, 0, factor.rows, start, end);
    const part = await multiply(own, own, { transposeA: true });
    for (let k = 0; k < total.data.length; k += 1) total.data[k] = (total.data[k] ?? 0) + (part.data[k] ?? 0);
  }
  for (let k = 0; k < total.data.length; k += total.cols + 1)
    total.data[k] = (total.data[k] ?? 0) + gram.damping;
  return total;
}
