import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { at, dot, matrix, plus, row, transpose, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { alike, type Gram } from './factoredGram.ts';
import { factoredCost } from './factoredPair.ts';

/**
 * Cost of sharing every channel of `a` with every channel of `b`, one row a channel of `a`.
 *
 * The least second-order loss added to both sides: for d = a_i - b_j it is d'Pd / 2, with the parallel sum
 * P = A (A + B)^-1 B of the two Gram matrices (He et al. 2018, in the form that stays exact when an input is dead on
 * one side). P itself is never formed: only its products with the channels are needed.
 *
 * @param a [m, n] incoming weights of the channels, bias last
 * @param b [k, n]
 * @param gramA [n, n]; both as matrices or both factored
 * @param gramB [n, n]
 * @returns [m, k], never negative
 * @throws {RangeError} when sizes differ or the sum of the Gram matrices is not positive definite: damp them first.
 */
export async function sharingCost(a: Matrix, b: Matrix, gramA: Gram, gramB: Gram): Promise<Matrix> {
  const grams = alike(gramA, gramB);
  return grams.factored ? factoredCost(a, b, grams.a, grams.b) : denseCost(a, b, grams.a, grams.b);
}

async function denseCost(a: Matrix, b: Matrix, gramA: Matrix, gramB: Matrix): Promise<Matrix> {
  const factor = await cholesky(plus(gramA, gramB));

  const throughP = async (channels: Matrix): Promise<Matrix> => {
    const pulled = await multiply(gramB, channels, { transposeB: true });
    return multiply(gramA, await choleskySolve(factor, pulled));
  };
  const alongB = await throughP(b);
  const cross = await multiply(a, alongB);
  const squaresA = squares(a, await throughP(a));
  const squaresB = squares(b, alongB);
  const cost = matrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i += 1) {
    for (let j = 0; j < b.rows; j += 1) {
      const value = (squaresA[i] ?? 0) / 2 + (squaresB[j] ?? 0) / 2 - at(cross, i, j);
      // Equal channels come out as rounding error of either sign.
      cost.data[i * b.rows + j] = Math.max(0, value);
    }
  }
  return cost;
}

/** c'Pc of every channel c, given P times their transpose. */
function squares(channels: Matrix, throughP: Matrix): Float64Array {
  const byChannel = transpose(throughP);
  return Float64Array.from({ length: channels.rows }, (_, i) => dot(row(channels, i), row(byChannel, i)));
}
