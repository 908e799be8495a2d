import { expect, test } from 'vitest';
import { meanSquaredError } from '../../../../gpu-runner/engine/losses/meanSquaredError.ts';
import { differences, largestDifference, logits, runLoss, type Rows } from './lossCheck.ts';

const targets: Rows = [
  [0, 1, 1],
  [1, 0, 0.5],
  [-2, 1, 0],
  [0.25, 1, 9],
];
const reference = (output: Rows): number =>
  output.flat().reduce((sum, value, index) => sum + (value - (targets.flat()[index] ?? NaN)) ** 2, 0) /
  output.flat().length;

test('mean squared error equals its definition, and its gradient the differences', async () => {
  const { value, grad } = await runLoss(meanSquaredError, logits, targets);
  expect(value).toBeCloseTo(reference(logits), 12);
  expect(largestDifference(grad, differences(reference, logits))).toBeLessThan(1e-8);
});

test('mean squared error of the targets themselves is 0, as is its gradient', async () => {
  const { value, grad } = await runLoss(meanSquaredError, targets, targets);
  expect(value).toBe(0);
  expect(grad).toEqual(targets.flat().map(() => 0));
});
