import { cholesky, choleskySolve } from '../../gpu-runner/linalg/cholesky.ts';
import { matrix, row, type Matrix } from '../../gpu-runner/linalg/matrix.ts';
import { smallSolve } from '../../gpu-runner/linalg/smallSolve.ts';

/** A layer, as one of those that read channels which are to become fewer. */
export interface ChannelReader {
  /** [outputs, inputs + 1], the bias last. */
  readonly weights: Matrix;
  /** [inputs + 1, inputs + 1] of what this layer reads, positive definite. */
  readonly gram: Matrix;
  /** By channel: the columns that read it. */
  readonly columns: readonly (readonly number[])[];
}

/** A reader without the channels that are gone by now. */
interface Remaining {
  readonly weights: Matrix;
  /** Of the Gram matrix of the inputs that are left. */
  readonly inverse: Matrix;
  readonly columns: readonly (readonly number[])[];
}

/**
 * The channels that all layers which read them miss least, one after the other: with P = H^-1 of the inputs that are left
 * to a layer, a channel of its columns c costs it w_c'(P_cc)^-1 w_c / 2, summed over what the layer puts out, and costs
 * all layers the sum.
 *
 * @param channels of which every reader has columns
 * @param count that go
 */
export async function leastChannels(
  readers: readonly ChannelReader[],
  channels: number,
  count: number,
): Promise<number[]> {
  const remaining: Remaining[] = [];
  for (const { weights, gram, columns } of readers)
    remaining.push({
      ...{ weights: { ...weights, data: weights.data.slice() }, columns },
      inverse: await choleskySolve(await cholesky(gram), identity(gram.rows)),
    });
  const left = new Set(Array.from({ length: channels }, (_, channel) => channel));
  const gone: number[] = [];
  while (gone.length < count) {
    let least = { channel: -1, loss: Infinity };
    for (const channel of left) {
      const loss = remaining.reduce((sum, reader) => sum + lossWithout(reader, channel), 0);
      if (loss < least.loss) least = { channel, loss };
    }
    if (least.channel < 0) throw new RangeError(`Cannot take ${count} channels: ${channels} are given`);
    for (const reader of remaining) take(reader, least.channel);
    left.delete(least.channel);
    gone.push(least.channel);
  }
  return gone;
}

function identity(n: number): Matrix {
  const ones = matrix(n, n);
  for (let q = 0; q < n; q += 1) ones.data[q * n + q] = 1;
  return ones;
}

/** [columns, columns] of the inverse. */
function blockOf({ rows: n, data }: Matrix, columns: readonly number[]): Float64Array {
  const wide = columns.length;
  const block = new Float64Array(wide * wide);
  for (let i = 0; i < wide; i += 1)
    for (let j = 0; j < wide; j += 1)
      block[i * wide + j] = data[(columns[i] ?? 0) * n + (columns[j] ?? 0)] ?? 0;
  return block;
}

/** tr((P_cc)^-1 W_c'W_c) / 2. */
function lossWithout(
  { weights: { rows, cols, data }, inverse, columns: all }: Remaining,
  channel: number,
): number {
  const columns = all[channel] ?? [];
  const wide = columns.length;
  const block = blockOf(inverse, columns);
  let loss = 0;
  for (let i = 0; i < wide; i += 1) {
    const products = new Float64Array(wide);
    for (let at = 0; at < rows * cols; at += cols) {
      const own = data[at + (columns[i] ?? 0)] ?? 0;
      for (let j = 0; j < wide; j += 1)
        products[j] = (products[j] ?? 0) + own * (data[at + (columns[j] ?? 0)] ?? 0);
    }
    loss += (smallSolve(block, products)[i] ?? 0) / 2;
  }
  return loss;
}

/** The others make up for a channel that goes: W -= W_c (P_cc)^-1 P_c, P -= P_c'(P_cc)^-1 P_c. */
function take({ weights, inverse, columns: all }: Remaining, channel: number): void {
  const columns = all[channel] ?? [];
  const [n, wide] = [inverse.rows, columns.length];
  const block = blockOf(inverse, columns);
  const through = matrix(wide, n);
  for (let q = 0; q < n; q += 1) {
    const own = Float64Array.from(columns, (column) => inverse.data[column * n + q] ?? 0);
    for (const [i, value] of smallSolve(block, own).entries()) through.data[i * n + q] = value;
  }
  for (const each of [weights, inverse]) {
    for (let r = 0; r < each.rows; r += 1) {
      const target = row(each, r);
      const by = columns.map((column) => target[column] ?? 0);
      for (const [i, factor] of by.entries()) {
        const from = row(through, i);
        for (let q = 0; q < n; q += 1) target[q] = (target[q] ?? 0) - factor * (from[q] ?? 0);
      }
      for (const column of columns) target[column] = 0;
    }
  }
}
