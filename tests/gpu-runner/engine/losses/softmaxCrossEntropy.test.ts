import { expect, test } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { softmaxCrossEntropy } from '../../../../gpu-runner/engine/losses/softmaxCrossEntropy.ts';
import { differences, largestDifference, logits, logSoftmaxRow, runLoss, type Rows } from './lossCheck.ts';

const targets: Rows = [
  [0, 0, 1],
  [1, 0, 0],
  [0.2, 0.5, 0.3],
  [0, 1, 0],
];
const reference = (output: Rows): number =>
  output.reduce((sum, row, index) => {
    const log = logSoftmaxRow(row);
    return (
      sum - (targets[index] ?? []).reduce((part, target, column) => part + target * (log[column] ?? NaN), 0)
    );
  }, 0) / output.length;

test('softmax cross-entropy equals its definition, and its gradient the differences', async () => {
  const { value, grad } = await runLoss(softmaxCrossEntropy, logits, targets);
  expect(value).toBeCloseTo(reference(logits), 12);
  expect(largestDifference(grad, differences(reference, logits))).toBeLessThan(1e-8);
});

test('softmax cross-entropy of equal logits is log of the classes', async () => {
  const { value } = await runLoss(softmaxCrossEntropy, [[7, 7, 7, 7]], [[0, 1, 0, 0]]);
  expect(value).toBeCloseTo(Math.log(4), 12);
});

test('softmax cross-entropy of logits in the thousands stays finite and exact', async () => {
  const { value, grad } = await runLoss(softmaxCrossEntropy, [[2000, -2000]], [[0, 1]]);
  expect(value).toBe(4000);
  expect(grad).toEqual([1, -1]);
});

test('softmax cross-entropy refuses outputs that are not rows of logits', () => {
  const emit = new Emitter('refusals');
  const [maps, rows, others] = [
    emit.input('maps', 'float32', [2, 3, 4]),
    emit.input('rows', 'float32', [2, 3]),
    emit.input('others', 'float32', [2, 4]),
  ];
  expect(() => softmaxCrossEntropy(emit, maps, rows)).toThrow('"maps": it is [2,3,4], not [batch, width]');
  expect(() => softmaxCrossEntropy(emit, rows, others)).toThrow('"rows": it is [2,3], its targets [2,4]');
});
