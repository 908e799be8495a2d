import { expect, test } from 'vitest';
import { createOptimiser } from '../../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { largestRelative, runOptimiser, tenSteps, type Run } from './optimiserCheck.ts';

interface Constants {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** In float64, as the paper writes it: running means, then bias corrections. */
function reference({ start, grads, rates, decay }: Run, { beta1, beta2, epsilon }: Constants): number[][] {
  const [parameters, mean, square] = [[...start], start.map(() => 0), start.map(() => 0)];
  return grads.map((grad, step) => {
    for (const [index, value] of parameters.entries()) {
      const slope = grad[index] ?? NaN;
      mean[index] = beta1 * (mean[index] ?? NaN) + (1 - beta1) * slope;
      square[index] = beta2 * (square[index] ?? NaN) + (1 - beta2) * slope ** 2;
      const corrected = mean[index] / (1 - beta1 ** (step + 1));
      const root = Math.sqrt(square[index] / (1 - beta2 ** (step + 1)));
      const direction = corrected / (root + epsilon) + (decay?.[index] ?? 0) * value;
      parameters[index] = value - (rates[step] ?? NaN) * direction;
    }
    return [...parameters];
  });
}

test.each([
  { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  { beta1: 0.5, beta2: 0.9, epsilon: 1e-3 },
  { beta1: 0, beta2: 0.99, epsilon: 1e-8 },
])('adamW() with $beta1, $beta2, $epsilon follows the float64 reference', async (constants) => {
  const emitted = await runOptimiser({ kind: 'adamw', ...constants }, tenSteps());
  expect(largestRelative(emitted, reference(tenSteps(), constants))).toBeLessThan(2e-6);
});

test('adamW() moves by the learning rate in its first step, however small the gradient', async () => {
  const run = { start: [0, 0, 0], grads: [[1e3, -1e-3, 1]], rates: [0.01] };
  const [first = []] = await runOptimiser({ kind: 'adamw' }, run);
  expect(first.map((value) => Math.round(value * 1e5) / 1e5)).toEqual([-0.01, 0.01, -0.01]);
});

test('adamW() decays a parameter without a gradient by its rate alone', async () => {
  const run = { start: [2], grads: [[0], [0]], rates: [0.5, 0.5], decay: [0.1] };
  const trajectory = await runOptimiser({ kind: 'adamw' }, run);
  expect(trajectory[1]?.[0]).toBeCloseTo(2 * 0.95 ** 2, 6);
});

test('adamW() refuses constants out of range', () => {
  expect(() => createOptimiser({ kind: 'adamw', beta1: 1 })).toThrow(
    'Cannot use beta 1: it must be in [0, 1)',
  );
  expect(() => createOptimiser({ kind: 'adamw', beta2: -0.1 })).toThrow('Cannot use beta -0.1');
  expect(() => createOptimiser({ kind: 'adamw', epsilon: 0 })).toThrow(
    'Cannot use epsilon 0: it must be above 0',
  );
});
