import { matrix, plus, row, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { product, randomMatrix } from '../linalg/samples.ts';

/** A damped mean of x x' over `samples` random inputs whose last element is 1, with the given inputs always 0. */
export function randomGram(n: number, samples: number, seed: number, dead: readonly number[] = []): Matrix {
  const x = randomMatrix(n, samples, seed);
  x.data.fill(1, (n - 1) * samples);
  for (const index of dead) row(x, index).fill(0);
  const gram = product(x, matrix(samples, n, transposed(x)));
  gram.data.forEach((value, index) => (gram.data[index] = value / samples));
  for (let i = 0; i < n; i += 1) gram.data[i * n + i] = (gram.data[i * n + i] ?? 0) + 1e-5;
  return gram;
}

function transposed(of: Matrix): Float64Array {
  return Float64Array.from({ length: of.rows * of.cols }, (_, k) => {
    return of.data[(k % of.rows) * of.cols + Math.floor(k / of.rows)] ?? 0;
  });
}

/** d'Hd / 2 for one row vector d = w - v, by its definition. */
export function loss(w: Matrix, v: Matrix, gram: Matrix): number {
  const d = plus(w, v, -1);
  return (product(product(d, gram), matrix(d.cols, 1, d.data)).data[0] ?? NaN) / 2;
}

export const oneRow = (of: Matrix, index: number): Matrix => matrix(1, of.cols, row(of, index).slice());
