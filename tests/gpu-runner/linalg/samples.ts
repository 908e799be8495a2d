import { Random } from '../../../gpu-runner/engine/random.ts';
import { at, matrix, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';

export function randomMatrix(rows: number, cols: number, seed: number): Matrix {
  const random = new Random(seed);
  return matrix(
    rows,
    cols,
    Float64Array.from({ length: rows * cols }, () => random.normal()),
  );
}

/** The product by its definition: the reference for everything faster. */
export function product(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.rows, b.cols);
  for (let i = 0; i < a.rows; i += 1) {
    for (let j = 0; j < b.cols; j += 1) {
      let sum = 0;
      for (let k = 0; k < a.cols; k += 1) sum += at(a, i, k) * at(b, k, j);
      result.data[i * b.cols + j] = sum;
    }
  }
  return result;
}

export function largestDifference(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) return Infinity;
  return a.data.reduce((most, value, index) => Math.max(most, Math.abs(value - (b.data[index] ?? NaN))), 0);
}

/** Symmetric with eigenvalues spread evenly in the logarithm from 1 to 1 / `condition`. */
export function conditioned(n: number, condition: number, seed: number): Matrix {
  let result = matrix(n, n);
  for (let i = 0; i < n; i += 1) result.data[i * n + i] = condition ** (-i / Math.max(1, n - 1));
  // Householder reflections mix the axes and leave the eigenvalues.
  for (let round = 0; round < 3; round += 1) {
    const v = randomMatrix(n, 1, seed + round).data;
    const square = v.reduce((sum, value) => sum + value * value, 0);
    const reflect = matrix(n, n);
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1)
        reflect.data[i * n + j] = (i === j ? 1 : 0) - (2 * (v[i] ?? 0) * (v[j] ?? 0)) / square;
    }
    result = product(product(reflect, result), reflect);
  }
  return result;
}
