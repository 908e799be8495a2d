import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { plus, transpose, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';

/**
 * The weights that pairs of channels share: for pair p the w that minimises
 * (w - a_p)'A(w - a_p) / 2 + (w - b_p)'B(w - b_p) / 2, which is (A + B)^-1 (A a_p + B b_p).
 *
 * @param a [pairs, n] incoming weights, bias last; row p is one channel of pair p
 * @param b [pairs, n] the other
 * @param gramA [n, n]
 * @param gramB [n, n]
 * @returns [pairs, n]
 * @throws {RangeError} when sizes differ or the sum of the Gram matrices is not positive definite: damp them first.
 */
export async function sharedWeights(a: Matrix, b: Matrix, gramA: Matrix, gramB: Matrix): Promise<Matrix> {
  const pulled = plus(
    await multiply(gramA, a, { transposeB: true }),
    await multiply(gramB, b, { transposeB: true }),
  );
  return transpose(await choleskySolve(await cholesky(plus(gramA, gramB)), pulled));
}
