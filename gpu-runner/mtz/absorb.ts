import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { dot, plus, row, selectColumns, submatrix, transpose, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { factoredAbsorb } from './factoredAbsorb.ts';
import { isFactored, ofInputs, type Gram } from './factoredGram.ts';

export interface Absorbed {
  /** [channels, kept]: the best weights on the inputs that stay. */
  readonly weights: Matrix;
  /** [channels]: the second-order loss that even those weights leave. */
  readonly losses: Float64Array;
}

/**
 * Takes inputs away from channels and lets the inputs that stay make up for them, by least squares: with s the inputs
 * that stay, o the dropped ones and H the Gram matrix, w_s + H_ss^-1 H_so w_o, at a loss of
 * w_o'(H_oo - H_os H_ss^-1 H_so) w_o / 2.
 *
 * @param weights [channels, n] incoming weights
 * @param gram [n, n], or factored
 * @param kept the inputs that stay; the others are dropped
 * @throws {RangeError} when the Gram matrix of the kept inputs is not positive definite: damp it first.
 */
export async function absorbDropped(weights: Matrix, gram: Gram, kept: readonly number[]): Promise<Absorbed> {
  const stays = new Set(kept);
  const dropped = Array.from({ length: weights.cols }, (_, index) => index).filter(
    (index) => !stays.has(index),
  );
  const own = selectColumns(weights, kept);
  if (dropped.length === 0) return { weights: own, losses: new Float64Array(weights.rows) };

  const lost = selectColumns(weights, dropped);
  if (isFactored(gram)) return factoredAbsorb(own, lost, ofInputs(gram, kept), ofInputs(gram, dropped));
  const pull = await multiply(submatrix(gram, kept, dropped), lost, { transposeB: true });
  const correction = transpose(await choleskySolve(await cholesky(submatrix(gram, kept, kept)), pull));
  const whole = await multiply(lost, submatrix(gram, dropped, dropped));
  const pullByChannel = transpose(pull);
  const losses = Float64Array.from({ length: weights.rows }, (_, i) => {
    const loss = dot(row(whole, i), row(lost, i)) - dot(row(pullByChannel, i), row(correction, i));
    return Math.max(0, loss / 2);
  });
  return { weights: plus(own, correction), losses };
}
