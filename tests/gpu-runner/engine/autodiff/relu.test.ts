import { expect, test } from 'vitest';
import { gradientError, gradientsOf, type GradientCheck } from '../gradientCheck.ts';

const build: GradientCheck['build'] = (emit, { x = '' }) => emit.op('Relu', [x]);
const x = (...values: number[]) => ({ x: { dims: [values.length], data: Float64Array.from(values) } });

test('relu: gradients agree with differences', async () => {
  expect(await gradientError({ inputs: { x: [3, 7] }, build })).toBeLessThan(1e-8);
});

test('relu: gradients agree in float32, where the mask is a steep HardSigmoid', async () => {
  expect(await gradientError({ inputs: { x: [3, 7] }, build, dtype: 'float32' })).toBeLessThan(1e-6);
});

test.each(['float32', 'float64'] as const)(
  'relu: nothing flows at or below the kink in %s',
  async (dtype) => {
    const gradients = await gradientsOf({ inputs: x(0, -0, 1e-30, -1e-30, 1e30, -1e30), build, dtype });
    expect(gradients['x']).toEqual([0, 0, 1, 0, 1, 0]);
  },
);
