import { describe, expect, test } from 'vitest';
import { matrix, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { multiply } from '../../../gpu-runner/linalg/multiply.ts';
import { largestDifference, product, randomMatrix } from './samples.ts';

describe('multiply', () => {
  // The first size stays in the plain loop, the second goes through ONNX Runtime.
  test.each([
    [3, 5, 4],
    [70, 41, 90],
  ])(
    'multiply() of %i x %i by %i columns equals the definition, however transposed',
    async (rows, inner, cols) => {
      const a = randomMatrix(rows, inner, 1);
      const b = randomMatrix(inner, cols, 2);
      const expected = product(a, b);
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const got = await multiply(transposeA ? transpose(a) : a, transposeB ? transpose(b) : b, {
            transposeA,
            transposeB,
          });
          expect(largestDifference(got, expected)).toBeLessThan(1e-12);
        }
      }
    },
  );

  test('multiply() reads part of a larger buffer where the matrix says so', async () => {
    const whole = randomMatrix(120, 64, 3);
    const part = matrix(60, 64, whole.data.subarray(60 * 64));
    expect(
      largestDifference(await multiply(part, whole, { transposeB: true }), product(part, transpose(whole))),
    ).toBeLessThan(1e-12);
  });

  test('multiply() refuses inner sizes that differ', async () => {
    await expect(multiply(matrix(2, 3), matrix(2, 3))).rejects.toThrow(
      'Cannot multiply a 2 x 3 matrix by a 2 x 3 one',
    );
    await expect(multiply(matrix(2, 3), matrix(2, 4), { transposeA: true })).resolves.toEqual(matrix(3, 4));
  });
});
