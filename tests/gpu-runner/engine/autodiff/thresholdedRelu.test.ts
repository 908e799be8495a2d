import { expect, test } from 'vitest';
import { float } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test.each([0, 0.3, 1, -0.5])(
  'thresholdedRelu: gradients with alpha %d agree with differences',
  async (alpha) => {
    const error = await gradientError({
      inputs: { x: [4, 5] },
      build: (emit, { x = '' }) => emit.op('ThresholdedRelu', [x], { alpha: float(alpha) }),
      dtype: 'float32',
      // ONNX Runtime has no float64 ThresholdedRelu.
      reference: ({ x }) => (x?.data ?? new Float64Array()).map((value) => (value > alpha ? value : 0)),
    });
    expect(error).toBeLessThan(1e-6);
  },
);

test('thresholdedRelu: the slope is 1 above 1 where no alpha is given, and 0 at it and below', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [5], data: Float64Array.of(-2, 0.5, 1, 1.0001, 3) } },
    build: (emit, { x = '' }) => emit.op('ThresholdedRelu', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']).toEqual([0, 0, 0, 1, 1]);
});
