import { expect, test } from 'vitest';
import { checkObjective, checkWidth, type Objective } from '../../../gpu-runner/engine/objective.ts';
import { clouds, denseNet } from './tinyNets.ts';

const objective = (overrides: Partial<Objective>): Objective => ({
  ...{ input: 'x', output: 'y', data: clouds(), loss: 'softmax-cross-entropy' },
  ...overrides,
});
const teacher = (distillation: number) => ({ graph: denseNet(), distillation, temperature: 1 });

test.each([
  ['softmax-cross-entropy', 3, 3],
  ['softmax-cross-entropy', 2, 2],
  ['binary-cross-entropy', 1, 2],
  ['binary-cross-entropy', 3, 3],
  ['mean-squared-error', 1, 7],
  ['mean-squared-error', 3, 3],
] as const)('checkWidth() takes %s over %i columns for %i classes', (loss, width, classes) => {
  expect(() => checkWidth(objective({ loss, data: { ...clouds(), classes } }), width)).not.toThrow();
});

test.each([
  ['softmax-cross-entropy', 1, 1],
  ['softmax-cross-entropy', 4, 3],
  ['binary-cross-entropy', 1, 3],
  ['binary-cross-entropy', 2, 3],
  ['mean-squared-error', 2, 3],
] as const)('checkWidth() refuses %s over %i columns for %i classes', (loss, width, classes) => {
  expect(() => checkWidth(objective({ loss, data: { ...clouds(), classes } }), width)).toThrow(
    `Cannot train "y" with ${loss}: it has ${width} columns, the data set ${classes} classes`,
  );
});

test.each([0, 1.5, NaN])('checkObjective() refuses batches of %d', (batchSize) => {
  expect(() => checkObjective(objective({ batchSize }))).toThrow(
    `Cannot train "y" on batches of ${batchSize}`,
  );
});

test('checkWidth() refuses to distil into one column', () => {
  const single = objective({ loss: 'mean-squared-error', teacher: teacher(0.5) });
  expect(() => checkWidth(single, 1)).toThrow(
    'Cannot distil into "y": a softmax over its one column is always 1',
  );
});

test('checkObjective() refuses factors out of range', () => {
  expect(() => checkObjective(objective({ weight: 0.5, teacher: teacher(1) }))).not.toThrow();
  expect(() => checkObjective(objective({ weight: 0 }))).toThrow(
    'Cannot train "y" with weight 0: it must be above 0',
  );
  expect(() => checkObjective(objective({ weight: NaN }))).toThrow('with weight NaN');
  expect(() => checkObjective(objective({ teacher: teacher(-0.1) }))).toThrow('with distillation -0.1');
  expect(() => checkObjective(objective({ teacher: teacher(NaN) }))).toThrow('with distillation NaN');
});
