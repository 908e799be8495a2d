import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

test('sum: gradients of three values, two of them stretched, agree with differences', async () => {
  const error = await gradientError({
    inputs: { a: [3, 4], b: [4], c: [3, 1] },
    build: (emit, { a = '', b = '', c = '' }) => {
      const sum = emit.op('Sum', [a, b, c]);
      return emit.mul(sum, sum);
    },
  });
  expect(error).toBeLessThan(1e-8);
});
