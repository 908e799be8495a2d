import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from './gradientCheck.ts';

test('gradientError() sees a gradient that belongs to another function', async () => {
  const error = await gradientError({
    inputs: { x: [4] },
    build: (emit, { x = '' }) => emit.mul(x, x),
    reference: ({ x }) => (x?.data ?? new Float64Array()).map((value) => 1.001 * value * value),
  });
  expect(error).toBeGreaterThan(5e-4);
  expect(error).toBeLessThan(2e-3);
});

test('gradientError() counts a missing gradient as zero', async () => {
  const error = await gradientError({
    inputs: { x: [4], y: [4] },
    build: (emit, { x = '' }) => emit.op('Tanh', [x]),
    reference: ({ x, y }) =>
      (x?.data ?? new Float64Array()).map((value, index) => Math.tanh(value) + (y?.data[index] ?? 0)),
  });
  expect(error).toBeCloseTo(1, 6);
});

test('gradientsOf() gives the derivative of the sum', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [2], data: Float64Array.of(3, -5) } },
    build: (emit, { x = '' }) => emit.mul(x, x),
  });
  expect(gradients).toEqual({ x: [6, -10] });
});

test('gradientError() is NaN where one gradient is, whatever comes after it', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [3], data: Float64Array.of(1, 0, 2) } },
    build: (emit, { x = '' }) => emit.mul(emit.div(x, x), x),
    reference: ({ x }) => x?.data ?? new Float64Array(),
  });
  expect(error).toBeNaN();
});
