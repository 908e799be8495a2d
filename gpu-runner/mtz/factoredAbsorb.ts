import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { dot, row, rowsBetween, transpose, type Matrix } from '../linalg/matrix.ts';
import { backThrough, channelRanges, responses, samplesSystem, type FactoredGram } from './factoredGram.ts';

/**
 * As `absorbDropped`, for a factored Gram matrix X'X + lambda I: with f = X_o w_o what the samples make of the dropped
 * inputs and K = lambda I + X_s X_s', the correction is X_s'K^-1 f, at a loss of lambda (|w_o|^2 + f'K^-1 f) / 2.
 *
 * @param own [channels, kept] weights on the inputs that stay; changed into the result
 * @param lost [channels, dropped] weights on the others
 * @param kept on the inputs that stay
 * @param dropped on the others
 * @throws {RangeError} when it is not damped.
 */
export async function factoredAbsorb(
  own: Matrix,
  lost: Matrix,
  kept: FactoredGram,
  dropped: FactoredGram,
): Promise<{ weights: Matrix; losses: Float64Array }> {
  const { damping } = kept;
  if (!(damping > 0))
    throw new RangeError(`Cannot solve with fewer samples than inputs undamped: the damping is ${damping}`);
  const factor = await cholesky(await samplesSystem(kept.factors, damping));
  const losses = new Float64Array(own.rows);
  for (const [start, end] of channelRanges(own.rows)) {
    const gone = rowsBetween(lost, start, end);
    const pull = await responses(dropped.factors, gone);
    const solved = await choleskySolve(factor, pull);
    const correction = await backThrough(kept.factors, solved);
    const stays = rowsBetween(own, start, end).data;
    for (let k = 0; k < stays.length; k += 1) stays[k] = (stays[k] ?? 0) + (correction.data[k] ?? 0);
    const [pulls, solutions] = [transpose(pull), transpose(solved)];
    for (let i = 0; i < gone.rows; i += 1) {
      const square = dot(row(gone, i), row(gone, i));
      losses[start + i] = (damping * (square + dot(row(pulls, i), row(solutions, i)))) / 2;
    }
  }
  return { weights: own, losses };
}
