import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test('softplus: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [4, 5] },
    build: (emit, { x = '' }) => emit.op('Softplus', [x]),
    dtype: 'float32',
    reference: ({ x }) => (x?.data ?? new Float64Array()).map((value) => Math.log1p(Math.exp(value))),
  });
  expect(error).toBeLessThan(1e-6);
});

test('softplus: far out all flows or nothing, never NaN', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [2], data: Float64Array.of(-200, 200) } },
    build: (emit, { x = '' }) => emit.op('Softplus', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']).toEqual([0, 1]);
});
