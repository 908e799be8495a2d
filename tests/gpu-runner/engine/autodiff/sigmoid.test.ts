import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test('sigmoid: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [3, 5] },
    build: (emit, { x = '' }) => emit.op('Sigmoid', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('sigmoid: the gradient of a saturated unit is 0, not NaN', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [2], data: Float64Array.of(-800, 800) } },
    build: (emit, { x = '' }) => emit.op('Sigmoid', [x]),
  });
  expect(gradients['x']?.every((value) => Math.abs(value) < 1e-300)).toBe(true);
});
