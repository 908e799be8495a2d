import { expect, test } from 'vitest';
import { float } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test.each([1, 0.3, 2])('elu: gradients with alpha %d agree with differences', async (alpha) => {
  const error = await gradientError({
    inputs: { x: [4, 5] },
    build: (emit, { x = '' }) => emit.op('Elu', [x], { alpha: float(alpha) }),
    dtype: 'float32',
    // ONNX Runtime has no float64 Elu.
    reference: ({ x }) =>
      (x?.data ?? new Float64Array()).map((value) => (value > 0 ? value : alpha * Math.expm1(value))),
  });
  expect(error).toBeLessThan(1e-6);
});

test('elu: slope 1 above 0, 1 at 0 where no alpha is given, none far below', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [4], data: Float64Array.of(-200, 0, 1, 200) } },
    build: (emit, { x = '' }) => emit.op('Elu', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']).toEqual([0, 1, 1, 1]);
});
