import { matrix, plus, transpose, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import type { FactoredGram } from '../../../gpu-runner/mtz/factoredGram.ts';
import { product, randomMatrix } from '../linalg/samples.ts';

/** Random samples of n inputs, the last of them 1, of one or several tasks. */
export function randomFactored(
  n: number,
  samples: readonly number[],
  seed: number,
  damping = 1e-4,
): FactoredGram {
  const factors = samples.map((count, task) => {
    const x = randomMatrix(count, n, seed + 100 * task);
    for (let sample = 0; sample < count; sample += 1) x.data[sample * n + n - 1] = 1;
    x.data.forEach((value, k) => (x.data[k] = value / Math.sqrt(count)));
    return x;
  });
  return { rows: n, factors, damping };
}

/** The same Gram matrix with every entry, by its definition. */
export function everyEntry({ rows, factors, damping }: FactoredGram): Matrix {
  const diagonal = matrix(rows, rows);
  for (let i = 0; i < rows; i += 1) diagonal.data[i * (rows + 1)] = damping;
  return factors.reduce((sum, factor) => plus(sum, product(transpose(factor), factor)), diagonal);
}

/** The largest difference, relative to the largest value. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [difference, scale] = [0, 0];
  for (let k = 0; k < a.length; k += 1) {
    difference = Math.max(difference, Math.abs((a[k] ?? NaN) - (b[k] ?? NaN)));
    scale = Math.max(scale, Math.abs(b[k] ?? NaN));
  }
  return scale === 0 ? difference : difference / scale;
}
