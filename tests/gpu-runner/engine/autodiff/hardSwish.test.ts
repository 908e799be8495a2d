import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test('hardSwish: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [2, 4], data: Float64Array.of(-7, -2.9, -1.4, -0.2, 0.3, 1.7, 2.9, 5) } },
    build: (emit, { x = '' }) => emit.op('HardSwish', [x]),
    dtype: 'float32',
    // ONNX Runtime has no float64 HardSwish.
    reference: ({ x }) =>
      (x?.data ?? new Float64Array()).map((value) => value * Math.max(0, Math.min(1, value / 6 + 0.5))),
  });
  expect(error).toBeLessThan(1e-6);
});

test('hardSwish: all flows above 3 and nothing below -3', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [4], data: Float64Array.of(-1e30, -3.5, 3.5, 1e30) } },
    build: (emit, { x = '' }) => emit.op('HardSwish', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']?.map(Math.abs)).toEqual([0, 0, 1, 1]);
});
