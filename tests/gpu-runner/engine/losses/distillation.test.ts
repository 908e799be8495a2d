import { expect, test } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { distillation } from '../../../../gpu-runner/engine/losses/distillation.ts';
import { differences, largestDifference, logits, logSoftmaxRow, runLoss, type Rows } from './lossCheck.ts';

const teacher: Rows = [
  [1, 0, -1],
  [2, 2, 2],
  [0, 5, 0],
  [-4, 3, 4],
];
const at = (temperature: number) => (emit: Emitter, student: string, targets: string) =>
  distillation(emit, student, targets, temperature);
const reference =
  (temperature: number) =>
  (student: Rows): number => {
    const divergences = student.map((row, index) => {
      const softened = (values: readonly number[]): number[] =>
        logSoftmaxRow(values.map((value) => value / temperature));
      const [logP, logQ] = [softened(teacher[index] ?? []), softened(row)];
      return logP.reduce((sum, log, column) => sum + Math.exp(log) * (log - (logQ[column] ?? NaN)), 0);
    });
    return (temperature ** 2 * divergences.reduce((sum, divergence) => sum + divergence, 0)) / student.length;
  };

test.each([0.5, 1, 2, 10])(
  'distillation at temperature %d equals its definition, and its gradient the differences',
  async (temperature) => {
    const { value, grad } = await runLoss(at(temperature), logits, teacher);
    expect(value).toBeCloseTo(reference(temperature)(logits), 11);
    expect(largestDifference(grad, differences(reference(temperature), logits))).toBeLessThan(1e-7);
  },
);

test('distillation is 0 where the student gives the teacher’s logits, up to a constant a row', async () => {
  const shifted = teacher.map((row) => row.map((value) => value + 3));
  const { value, grad } = await runLoss(at(2), shifted, teacher);
  expect(Math.abs(value)).toBeLessThan(1e-15);
  expect(
    largestDifference(
      grad,
      shifted.flat().map(() => 0),
    ),
  ).toBeLessThan(1e-15);
});

test('distillation approaches half the squared distance of centred logits as it gets hot', async () => {
  const [student, goal] = [
    [0.5, -1, 0.5],
    [1, -0.5, -0.5],
  ];
  const { value } = await runLoss(at(1e4), [student], [goal]);
  const distance = student.reduce((sum, logit, index) => sum + (logit - (goal[index] ?? NaN)) ** 2, 0);
  expect(value).toBeCloseTo(distance / (2 * 3), 3);
});

test('distillation of logits in the thousands stays finite', async () => {
  const { value, grad } = await runLoss(at(1), [[-1000, 1000]], [[1000, -1000]]);
  expect(value).toBe(2000);
  expect(grad).toEqual([-1, 1]);
});

test('distillation refuses a temperature of 0', () => {
  const emit = new Emitter('cold');
  const [student, goal] = [emit.input('student', 'float32', [1, 2]), emit.input('goal', 'float32', [1, 2])];
  expect(() => distillation(emit, student, goal, 0)).toThrow(
    'Cannot distil at temperature 0: it must be above 0',
  );
});
