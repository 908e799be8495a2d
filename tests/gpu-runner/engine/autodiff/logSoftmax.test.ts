import { expect, test } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test.each([0, 1, 2, -1, -3])('logSoftmax: gradients along axis %i agree with differences', async (axis) => {
  const error = await gradientError({
    inputs: { x: [2, 3, 4] },
    build: (emit, { x = '' }) => emit.op('LogSoftmax', [x], { axis: int(axis) }),
  });
  expect(error).toBeLessThan(1e-8);
});

test('logSoftmax: gradients of huge logits stay finite', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [1, 3], data: Float64Array.of(1000, -1000, 0) } },
    build: (emit, { x = '' }) => emit.op('LogSoftmax', [x]),
  });
  expect(gradients['x']).toEqual([-2, 1, 1]);
});
