import { expect, test } from 'vitest';
import { float } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test.each([0.01, 0.3, 1, -0.5])(
  'leakyRelu: gradients with alpha %d agree with differences',
  async (alpha) => {
    const error = await gradientError({
      inputs: { x: [4, 5] },
      build: (emit, { x = '' }) => emit.op('LeakyRelu', [x], { alpha: float(alpha) }),
      dtype: 'float32',
      // ONNX Runtime has no float64 LeakyRelu.
      reference: ({ x }) =>
        (x?.data ?? new Float64Array()).map((value) => (value > 0 ? value : alpha * value)),
    });
    expect(error).toBeLessThan(1e-6);
  },
);

test('leakyRelu: the slope is 0.01 where no alpha is given, and at the kink', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [3], data: Float64Array.of(-1, 0, 1) } },
    build: (emit, { x = '' }) => emit.op('LeakyRelu', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']?.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0.01, 0.01, 1]);
});
