import { expect, test } from 'vitest';
import { float } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([
  [1.6732632423543772, 1.0507009873554805, {}],
  [0.5, 2, { alpha: float(0.5), gamma: float(2) }],
])('selu: gradients with alpha %d and gamma %d agree with differences', async (alpha, gamma, attributes) => {
  const error = await gradientError({
    inputs: { x: [4, 5] },
    build: (emit, { x = '' }) => emit.op('Selu', [x], attributes),
    dtype: 'float32',
    // ONNX Runtime has no float64 Selu.
    reference: ({ x }) =>
      (x?.data ?? new Float64Array()).map((value) => gamma * (value > 0 ? value : alpha * Math.expm1(value))),
  });
  expect(error).toBeLessThan(1e-6);
});
