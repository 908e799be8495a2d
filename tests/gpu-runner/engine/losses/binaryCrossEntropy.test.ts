import { expect, test } from 'vitest';
import { binaryCrossEntropy } from '../../../../gpu-runner/engine/losses/binaryCrossEntropy.ts';
import { differences, largestDifference, logits, runLoss, type Rows } from './lossCheck.ts';

const targets: Rows = [
  [0, 1, 1],
  [1, 0, 0.5],
  [0, 1, 0],
  [0.25, 1, 0],
];
const reference = (output: Rows): number => {
  const terms = output.flatMap((row, index) =>
    row.map((value, column) => {
      const probability = 1 / (1 + Math.exp(-value));
      const target = targets[index]?.[column] ?? NaN;
      return -target * Math.log(probability) - (1 - target) * Math.log(1 - probability);
    }),
  );
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
};

test('binary cross-entropy equals its definition, and its gradient the differences', async () => {
  const { value, grad } = await runLoss(binaryCrossEntropy, logits, targets);
  expect(value).toBeCloseTo(reference(logits), 12);
  expect(largestDifference(grad, differences(reference, logits))).toBeLessThan(1e-8);
});

test('binary cross-entropy is exact at a logit of 0', async () => {
  const { value, grad } = await runLoss(binaryCrossEntropy, [[0]], [[1]]);
  expect(value).toBeCloseTo(Math.LN2, 14);
  expect(grad).toEqual([-0.5]);
});

test('binary cross-entropy of logits in the thousands stays finite and exact', async () => {
  const { value, grad } = await runLoss(binaryCrossEntropy, [[3000, -3000]], [[0, 0]]);
  expect(value).toBe(1500);
  expect(grad).toEqual([0.5, 0]);
});
