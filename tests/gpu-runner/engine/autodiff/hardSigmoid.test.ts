import { expect, test } from 'vitest';
import { float } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test.each([
  [0.2, 0.5],
  [1 / 6, 0.5],
  [-0.7, 0.1],
])('hardSigmoid: gradients with alpha %d and beta %d agree with differences', async (alpha, beta) => {
  const error = await gradientError({
    inputs: { x: { dims: [8], data: Float64Array.of(-9, -3.2, -2.4, -0.3, 0.1, 1.2, 2.4, 9) } },
    build: (emit, { x = '' }) => emit.op('HardSigmoid', [x], { alpha: float(alpha), beta: float(beta) }),
    dtype: 'float32',
    // ONNX Runtime has no float64 HardSigmoid.
    reference: ({ x }) =>
      (x?.data ?? new Float64Array()).map((value) => Math.max(0, Math.min(1, alpha * value + beta))),
  });
  expect(error).toBeLessThan(1e-6);
});

test('hardSigmoid: the slope is 0.2 where no alpha is given, and nothing flows at the ends', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [5], data: Float64Array.of(-3, -2.5, 0, 2.5, 3) } },
    build: (emit, { x = '' }) => emit.op('HardSigmoid', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']).toEqual([0, 0, Math.fround(0.2), 0, 0]);
});
