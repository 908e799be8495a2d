import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { plus, transpose, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { alike, type Gram } from './factoredGram.ts';
import { factoredWeights } from './factoredPair.ts';

/**
 * The weights that pairs of channels share: for pair p the w that minimises
 * (w - a_p)'A(w - a_p) / 2 + (w - b_p)'B(w - b_p) / 2, which is (A + B)^-1 (A a_p + B b_p).
 *
 * @param a [pairs, n] incoming weights, bias last; row p is one channel of pair p
 * @param b [pairs, n] the other
 * @param gramA [n, n]; both as matrices or both factored
 * @param gramB [n, n]
 * @returns [pairs, n]
 * @throws {RangeError} when sizes differ or the sum of the Gram matrices is not positive definite: damp them first.
 */
export async function sharedWeights(a: Matrix, b: Matrix, gramA: Gram, gramB: Gram): Promise<Matrix> {
  const grams = alike(gramA, gramB);
  if (grams.factored) return factoredWeights(a, b, grams.a, grams.b);
  const pulled = plus(
    await multiply(grams.a, a, { transposeB: true }),
    await multiply(grams.b, b, { transposeB: true }),
  );
  return transpose(await choleskySolve(await cholesky(plus(grams.a, grams.b)), pulled));
}
