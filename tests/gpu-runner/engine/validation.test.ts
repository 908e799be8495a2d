import { describe, expect, it } from 'vitest';
import { subset } from '../../../gpu-runner/engine/dataset.ts';
import { measureDistillation, measureLoss } from '../../../gpu-runner/engine/losses/measure.ts';
import type { Objective } from '../../../gpu-runner/engine/objective.ts';
import {
  checkValidation,
  createValidator,
  isBetter,
  type ValidationOptions,
} from '../../../gpu-runner/engine/validation.ts';
import { accuracyOf, logitsOf } from './evaluate.ts';
import { clouds, convNet, denseNet, patterns } from './tinyNets.ts';

const session = { provider: 'cpu', threads: 1 } as const;
const byLoss: ValidationOptions = { every: 1, patience: 1, metric: 'loss' };
const byAccuracy: ValidationOptions = { ...byLoss, metric: 'accuracy' };
const objective: Objective = {
  ...{ input: 'x', output: 'logits', data: clouds(), validation: clouds(300, 9) },
  loss: 'softmax-cross-entropy',
};

describe('createValidator()', () => {
  it('measures accuracy over all samples, the last smaller batch too', async () => {
    const seen = await createValidator([objective], byAccuracy, session)(denseNet(), 7);
    const expected = await accuracyOf(denseNet(), clouds(300, 9));
    expect(seen).toEqual({ step: 7, score: expected, scores: [expected] });
  });

  it('sees a net with Dropout and BatchNormalization as inference does', async () => {
    const image: Objective = { ...objective, input: 'image', data: patterns(), validation: patterns(30, 9) };
    const seen = await createValidator([image], byAccuracy, session)(convNet(), 0);
    expect(seen.score).toBe(await accuracyOf(convNet(), patterns(30, 9)));
  });

  it('mixes labels and teacher in the loss as training does, and means over the objectives that have samples', async () => {
    const teacher = { graph: denseNet(2, 4, 3, 9), distillation: 0.25, temperature: 3 };
    const { validation, ...without } = objective;
    const objectives: Objective[] = [{ ...objective, teacher }, without, objective];
    const measure = createValidator(objectives, byLoss, session);
    const seen = await measure(denseNet(), 0);
    const data = validation ?? clouds();
    const rows = async (graph: ReturnType<typeof denseNet>) => ({
      width: 3,
      values: (await logitsOf(graph, data)).flat(),
    });
    const [student, known] = [await rows(denseNet()), await rows(teacher.graph)];
    const byLabels = measureLoss('softmax-cross-entropy', student, data.labels);
    const mixed = 0.75 * byLabels + 0.25 * measureDistillation(student, known, 3);
    expect(seen.scores[1]).toBeUndefined();
    expect(seen.scores[0]).toBeCloseTo(mixed, 6);
    expect(seen.scores[2]).toBeCloseTo(byLabels, 6);
    expect(seen.score).toBeCloseTo((mixed + byLabels) / 2, 6);
    expect(await measure(denseNet(), 0)).toEqual(seen);
  });

  it('refuses a loss that is not finite, and stops in the middle when it is cancelled', async () => {
    const broken = denseNet();
    broken.initializers.set('b2', { dtype: 'float32', dims: [3], data: Float32Array.of(NaN, 0, 0) });
    await expect(createValidator([objective], byLoss, session)(broken, 4)).rejects.toThrow(
      'Cannot go on training: its validation is NaN at step 4',
    );
    const controller = new AbortController();
    const inputs = (indices: Uint32Array | readonly number[]): Float32Array => {
      controller.abort(new Error('Enough'));
      return clouds(300, 9).inputs(indices);
    };
    const stopping = { ...objective, validation: { ...clouds(300, 9), inputs } };
    const measure = createValidator([stopping], byLoss, session, controller.signal);
    await expect(measure(denseNet(), 0)).rejects.toThrow('Enough');
  });
});

describe('isBetter()', () => {
  it('goes up for accuracy, down for loss, by more than the least difference', () => {
    expect(isBetter(0.6, 0.5, byAccuracy)).toBe(true);
    expect(isBetter(0.5, 0.5, byAccuracy)).toBe(false);
    expect(isBetter(0.4, 0.5, byLoss)).toBe(true);
    expect(isBetter(0.4, 0.5, { ...byLoss, minDelta: 0.2 })).toBe(false);
    expect(isBetter(0.8, 0.5, { ...byAccuracy, minDelta: 0.2 })).toBe(true);
  });
});

describe('checkValidation()', () => {
  const without: Objective = { input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' };
  const refusals: [string, Partial<ValidationOptions>, Objective, string][] = [
    ['looks every 0 steps', { every: 0 }, objective, 'Cannot validate every 0 steps'],
    ['no patience', { patience: 0 }, objective, 'Cannot wait for a better score 0 times'],
    ['a difference below 0', { minDelta: -1 }, objective, 'better by -1'],
    ['no samples', {}, without, 'no objective has samples to validate on'],
    ['an empty data set', {}, { ...objective, validation: subset(clouds(), []) }, 'on 0 samples of'],
    [
      'samples of another kind',
      {},
      { ...objective, validation: patterns() },
      'on 96 samples of [1,8,8] in 3 classes: it is trained on [2] in 3 classes',
    ],
    [
      'accuracy of numbers',
      { metric: 'accuracy' },
      { ...objective, loss: 'mean-squared-error' },
      'it is trained on numbers, not classes',
    ],
  ];
  it.each(refusals)('refuses %s', (_, options, one, message) => {
    expect(() => checkValidation({ ...byLoss, ...options }, [one])).toThrow(message);
  });
});
