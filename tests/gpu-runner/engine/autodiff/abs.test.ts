import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test('abs: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [3, 5] },
    build: (emit, { x = '' }) => emit.op('Abs', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('abs: nothing flows at the kink', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [3], data: Float64Array.of(-2, 0, 2) } },
    build: (emit, { x = '' }) => emit.op('Abs', [x]),
  });
  expect(gradients['x']).toEqual([-1, 0, 1]);
});
