import { expect, test } from 'vitest';
import { createOptimiser } from '../../../../gpu-runner/engine/optimisers/createOptimiser.ts';

test('createOptimiser() makes the optimiser that the options name', () => {
  expect(createOptimiser({ kind: 'sgd' }).state).toEqual(['velocity']);
  expect(createOptimiser({ kind: 'adamw' }).state).toEqual(['gradientSum', 'squareSum']);
});

test('createOptimiser() refuses a weight decay below 0', () => {
  expect(() => createOptimiser({ kind: 'sgd', weightDecay: -1 })).toThrow('Cannot decay weights by -1');
  expect(() => createOptimiser({ kind: 'sgd', weightDecay: NaN })).toThrow('Cannot decay weights by NaN');
});
