import { expect, test } from 'vitest';
import { learningRateAt, type Schedule } from '../../../../gpu-runner/engine/optimisers/schedule.ts';

const rates = (schedule: Schedule, steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => learningRateAt(schedule, step, steps));

test('learningRateAt() rises in equal parts to the rate, reached at the last warm-up step', () => {
  expect(rates({ learningRate: 0.8, warmUpSteps: 4 }, 8).slice(0, 5)).toEqual([
    0.2, 0.4, 0.6000000000000001, 0.8, 0.8,
  ]);
});

test('learningRateAt() falls by half a cosine to the final rate', () => {
  const falling = rates({ learningRate: 1, finalLearningRate: 0.2 }, 101);
  expect(falling[0]).toBe(1);
  expect(falling[50]).toBeCloseTo(0.6 + 0.4 * Math.cos((Math.PI * 50) / 101), 12);
  expect(falling[100]).toBeGreaterThan(0.2);
  expect(falling[100]).toBeLessThan(0.2005);
  expect(falling).toEqual(falling.toSorted((a, b) => b - a));
});

test('learningRateAt() stays where the decay is constant', () => {
  expect(rates({ learningRate: 0.5, decay: 'constant' }, 3)).toEqual([0.5, 0.5, 0.5]);
});

test('learningRateAt() refuses negative rates and a warm-up longer than the training', () => {
  expect(() => learningRateAt({ learningRate: -1 }, 0, 10)).toThrow('Cannot train at learning rates -1 to 0');
  expect(() => learningRateAt({ learningRate: 1, warmUpSteps: 11 }, 0, 10)).toThrow(
    'Cannot warm up for 11 of 10 steps',
  );
});
