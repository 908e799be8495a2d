import { expect, test } from 'vitest';
import { createOptimiser } from '../../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { largestRelative, runOptimiser, tenSteps, type Run } from './optimiserCheck.ts';

/** In float64, by the books. */
function reference({ start, grads, rates, decay }: Run, momentum: number, nesterov: boolean): number[][] {
  const [parameters, velocity] = [[...start], start.map(() => 0)];
  return grads.map((grad, step) => {
    for (const [index, value] of parameters.entries()) {
      const slope = (grad[index] ?? NaN) + (decay?.[index] ?? 0) * value;
      velocity[index] = momentum * (velocity[index] ?? NaN) + slope;
      const direction = nesterov ? slope + momentum * velocity[index] : velocity[index];
      parameters[index] = value - (rates[step] ?? NaN) * direction;
    }
    return [...parameters];
  });
}

test.each([
  { momentum: 0, nesterov: true },
  { momentum: 0, nesterov: false },
  { momentum: 0.9, nesterov: false },
  { momentum: 0.9, nesterov: true },
])(
  'sgd() with momentum $momentum, Nesterov $nesterov, follows the float64 reference',
  async ({ momentum, nesterov }) => {
    const emitted = await runOptimiser({ kind: 'sgd', momentum, nesterov }, tenSteps());
    expect(largestRelative(emitted, reference(tenSteps(), momentum, nesterov && momentum > 0))).toBeLessThan(
      1e-6,
    );
  },
);

test('sgd() without decay leaves a parameter alone whose gradient is 0', async () => {
  const { start, grads, rates } = tenSteps();
  const run = { start, grads, rates };
  const emitted = await runOptimiser({ kind: 'sgd' }, run);
  expect(emitted.map((parameters) => parameters[4])).toEqual(run.grads.map(() => -0.25));
});

test('sgd() keeps no velocity without momentum', () => {
  expect(createOptimiser({ kind: 'sgd', momentum: 0 }).state).toEqual([]);
  expect(createOptimiser({ kind: 'sgd' }).state).toEqual(['velocity']);
});

test('sgd() refuses a momentum of 1', () => {
  expect(() => createOptimiser({ kind: 'sgd', momentum: 1 })).toThrow(
    'Cannot use momentum 1: it must be in [0, 1)',
  );
});
