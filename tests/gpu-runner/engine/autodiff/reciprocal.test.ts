import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

test('reciprocal: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [4], data: Float64Array.of(-3, -0.5, 0.4, 7) } },
    build: (emit, { x = '' }) => emit.op('Reciprocal', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});
