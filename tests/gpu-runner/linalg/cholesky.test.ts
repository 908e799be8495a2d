import { describe, expect, test } from 'vitest';
import { cholesky, choleskySolve } from '../../../gpu-runner/linalg/cholesky.ts';
import { at, matrix, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { conditioned, largestDifference, product, randomMatrix } from './samples.ts';

describe('cholesky', () => {
  // Around the block size of 64: within one block, exactly one, a ragged last one, several.
  test.each([1, 2, 63, 64, 65, 200])(
    'cholesky() of size %i gives a lower factor whose square is the matrix',
    async (n) => {
      const a = conditioned(n, 100, 1);
      const l = await cholesky(a);
      for (let i = 0; i < n; i += 1) for (let j = i + 1; j < n; j += 1) expect(at(l, i, j)).toBe(0);
      expect(largestDifference(product(l, transpose(l)), a)).toBeLessThan(1e-13);
    },
  );

  test('cholesky() reads the lower triangle only', async () => {
    const a = conditioned(90, 10, 2);
    const upperSpoilt = matrix(90, 90, a.data.slice());
    for (let i = 0; i < 90; i += 1) for (let j = i + 1; j < 90; j += 1) upperSpoilt.data[i * 90 + j] = NaN;
    expect(await cholesky(upperSpoilt)).toEqual(await cholesky(a));
  });

  test.each([1, 65, 200])('choleskySolve() of size %i solves all right-hand sides at once', async (n) => {
    const a = conditioned(n, 100, 3);
    const x = randomMatrix(n, 7, 4);
    expect(largestDifference(await choleskySolve(await cholesky(a), product(a, x)), x)).toBeLessThan(1e-11);
  });

  test('choleskySolve() leaves a residual of rounding size on a matrix of condition 1e12', async () => {
    const a = conditioned(150, 1e12, 5);
    const b = product(a, randomMatrix(150, 3, 6));
    const x = await choleskySolve(await cholesky(a), b);
    expect(largestDifference(product(a, x), b)).toBeLessThan(1e-12);
  });

  test('choleskySolve() of no right-hand side is empty', async () => {
    expect(await choleskySolve(await cholesky(conditioned(70, 10, 7)), matrix(70, 0))).toEqual(matrix(70, 0));
  });

  test('cholesky() refuses an indefinite matrix and names the pivot', async () => {
    const a = conditioned(100, 10, 8);
    a.data[80 * 100 + 80] = -1;
    await expect(cholesky(a)).rejects.toThrow(/not positive definite: pivot 80 is -/);
    await expect(cholesky(matrix(2, 2))).rejects.toThrow('pivot 0 is 0.00');
    await expect(cholesky(matrix(1, 1, [NaN]))).rejects.toThrow('pivot 0 is NaN');
    await expect(cholesky(matrix(1, 1, [Infinity]))).rejects.toThrow('pivot 0 is Infinity');
  });

  test('sizes that do not fit are refused', async () => {
    await expect(cholesky(matrix(2, 3))).rejects.toThrow('Cannot factor a 2 x 3 matrix');
    await expect(choleskySolve(matrix(2, 2, [1, 0, 0, 1]), matrix(3, 1))).rejects.toThrow(
      'Cannot solve 2 equations for 3 rows',
    );
  });
});
