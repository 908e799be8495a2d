import { IndefiniteError } from './indefiniteError.ts';

/**
 * Solves a x = b for a small symmetric positive definite matrix, in place of thousands of calls into a library: plain
 * Cholesky, O(n^3).
 *
 * @param a [n, n], row-major; only its lower triangle is read
 * @param b [n]
 * @returns x [n]
 * @throws {IndefiniteError} when `a` is not positive definite
 */
export function smallSolve(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const l = new Float64Array(n * n);
  const x = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = a[i * n + j] ?? 0;
      for (let k = 0; k < j; k += 1) sum -= (l[i * n + k] ?? 0) * (l[j * n + k] ?? 0);
      if (i > j) l[i * n + j] = sum / (l[j * n + j] ?? 1);
      else if (sum > 0) l[i * n + i] = Math.sqrt(sum);
      else
        throw new IndefiniteError(
          `Cannot solve: pivot ${i} of ${n} is ${sum}, the matrix is not positive definite`,
          { pivot: i, size: n, value: sum },
        );
    }
  }
  for (let i = 0; i < n; i += 1) {
    let sum = b[i] ?? 0;
    for (let k = 0; k < i; k += 1) sum -= (l[i * n + k] ?? 0) * (x[k] ?? 0);
    x[i] = sum / (l[i * n + i] ?? 1);
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    let sum = x[i] ?? 0;
    for (let k = i + 1; k < n; k += 1) sum -= (l[k * n + i] ?? 0) * (x[k] ?? 0);
    x[i] = sum / (l[i * n + i] ?? 1);
  }
  return x;
}
