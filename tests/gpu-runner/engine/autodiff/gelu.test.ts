import { expect, test } from 'vitest';
import { string } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

/** The normal distribution function as an integral, by Simpson's rule from 0. */
function normal(x: number): number {
  const steps = 400;
  let sum = 0;
  for (let k = 0; k <= steps; k += 1) {
    const weight = k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-(((x * k) / steps) ** 2) / 2);
  }
  return 0.5 + (sum * x) / (3 * steps * Math.sqrt(2 * Math.PI));
}

const byTanh = (x: number): number =>
  (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;

test.each([
  ['none', (x: number) => x * normal(x)],
  ['tanh', byTanh],
])('gelu: gradients of the form "%s" agree with differences', async (approximate, gelu) => {
  const error = await gradientError({
    inputs: { x: { dims: [8], data: Float64Array.of(-3, -1.4, -0.6, -0.1, 0, 0.4, 1.3, 2.8) } },
    build: (emit, { x = '' }) => emit.op('Gelu', [x], { approximate: string(approximate) }),
    dtype: 'float32',
    // ONNX Runtime has no float64 Gelu.
    reference: ({ x }) => (x?.data ?? new Float64Array()).map(gelu),
  });
  expect(error).toBeLessThan(2e-6);
});

test.each(['none', 'tanh'])('gelu: far out all flows or nothing in the form "%s"', async (approximate) => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [2], data: Float64Array.of(-100, 100) } },
    build: (emit, { x = '' }) => emit.op('Gelu', [x], { approximate: string(approximate) }),
    dtype: 'float32',
  });
  expect(gradients['x']?.map(Math.abs)).toEqual([0, 1]);
});
