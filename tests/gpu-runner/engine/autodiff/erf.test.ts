import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

/** erf by its Taylor series, exact to rounding for |x| below 3. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n += 1) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

test('erf: gradients agree with differences of its series', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [7], data: Float64Array.of(-2.2, -1, -0.4, 0, 0.3, 1.1, 2.5) } },
    build: (emit, { x = '' }) => emit.op('Erf', [x]),
    dtype: 'float32',
    reference: ({ x }) => (x?.data ?? new Float64Array()).map(erf),
  });
  expect(error).toBeLessThan(1e-6);
});

test('erf: nothing flows far from 0', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [2], data: Float64Array.of(-60, 60) } },
    build: (emit, { x = '' }) => emit.op('Erf', [x]),
    dtype: 'float32',
  });
  expect(gradients['x']).toEqual([0, 0]);
});
