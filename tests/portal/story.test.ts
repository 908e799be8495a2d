import { describe, expect, it } from 'vitest';
import type { JobEvent, Progress } from '../../shared/jobs.ts';
import {
  emptyStory,
  shareDone,
  withEvent,
  type JobStory,
} from '../../workers/portal/src/pages/jobs/story.ts';
import { budgetWords, floorWords, retrainingWords } from '../../workers/portal/src/pages/jobs/recipeWords.ts';
import { paceWords, progressWords } from '../../workers/portal/src/pages/jobs/words.ts';

const at = '2026-01-01T00:00:00.000Z';

/** The story of events, numbered from 1 on. */
function tell(
  ...all: ({ state: string; reason?: string; attempts?: number } | Omit<Progress, 'at'>)[]
): JobStory {
  return all.reduce<JobStory>((story, one, index) => {
    const common = { sequence: index + 1, at };
    const event =
      'state' in one
        ? {
            ...{ ...common, type: 'state' },
            data: {
              attempts: 0,
              token: 1,
              runner: one.state === 'queued' ? null : 'r1',
              reason: null,
              ...one,
            },
          }
        : { ...common, type: 'progress', data: { ...one, at } };
    return withEvent(story, event as JobEvent);
  }, emptyStory);
}
const layer = (index: number, more: object = {}) => ({
  layer: `conv${index + 1}`,
  layerIndex: index,
  layers: 2,
  ...more,
});

describe('the story of a job', () => {
  it('grows layer by layer: what was passed over is done', () => {
    const story = tell(
      { state: 'queued' },
      { state: 'leased' },
      { stage: 'measure', ...layer(0) },
      { stage: 'retrain', ...layer(1, { step: 50, steps: 100, losses: { a: 1 } }) },
    );
    expect(story.story.map(({ name, done }) => [name, done])).toEqual([
      ['conv1', 1],
      ['conv2', expect.closeTo(0.575, 5)],
    ]);
    expect(shareDone(story)).toBeCloseTo((1 + 0.575) / 2, 5);
    expect(story.runner).toBe('r1');
  });

  it('counts the steps of all layers on one axis', () => {
    const retrain = (index: number, step: number) => ({
      stage: 'retrain',
      ...layer(index, { step, steps: 20, losses: { a: step, b: 2 * step } }),
    });
    const story = tell(retrain(0, 10), retrain(0, 20), retrain(1, 10), retrain(1, 20));
    expect(story.losses.a?.map(({ x }) => x)).toEqual([10, 20, 30, 40]);
    expect(story.losses.b?.map(({ y }) => y)).toEqual([20, 40, 20, 40]);
  });

  it('keeps accuracies with the layer they stand after', () => {
    const story = tell(
      { stage: 'validate', ...layer(0, { accuracy: { a: 0.9 } }) },
      { stage: 'validate', ...layer(1, { accuracy: { a: 0.95 } }) },
    );
    expect(story.validated).toEqual(['conv1', 'conv2']);
    expect(story.accuracy.a).toEqual([
      { x: 1, y: 0.9 },
      { x: 2, y: 0.95 },
    ]);
  });

  it('keeps the accuracies of a layer that a floor undid where the layer stands', () => {
    const story = tell(
      { stage: 'validate', ...layer(0, { accuracy: { a: 0.9 } }) },
      { stage: 'validate', ...layer(1, { accuracy: { a: 0.6 } }) },
      { stage: 'floor', ...layer(1, { message: 'conv2 shares 3 instead of 4' }) },
      { stage: 'validate', ...layer(1, { accuracy: { a: 0.88 } }) },
    );
    expect(story.validated).toEqual(['conv1', 'conv2']);
    expect(story.accuracy.a).toEqual([
      { x: 1, y: 0.9 },
      { x: 2, y: 0.6 },
      { x: 2, y: 0.88 },
    ]);
    expect(story.log.map(({ tone }) => tone)).toEqual(['neutral', 'neutral', 'warn', 'neutral']);
  });

  it('tells of a crash that another attempt went on from', () => {
    const story = tell(
      { state: 'queued' },
      { state: 'leased' },
      { state: 'queued', reason: 'Its lease ran out.', attempts: 1 },
      { state: 'leased', attempts: 1 },
    );
    expect(story).toMatchObject({ resumed: 1, attempts: 1, state: 'leased' });
    expect(story.log.map(({ text, tone }) => [text, tone])).toEqual([
      ['Waits for a runner', 'neutral'],
      ['Runner r1 works on it', 'neutral'],
      ['Waits for another attempt: Its lease ran out.', 'warn'],
      ['Runner r1 works on it', 'neutral'],
    ]);
  });

  it('takes no event twice, and writes one line for a whole retraining', () => {
    const once = tell(
      { state: 'queued' },
      { stage: 'retrain', ...layer(0, { step: 1, steps: 2, losses: { a: 1 } }) },
    );
    const again = withEvent(once, { sequence: 2, at, type: 'progress', data: { stage: 'other', at } });
    expect(again).toBe(once);
    const more = tell(
      { stage: 'retrain', ...layer(0, { step: 1, steps: 2 }) },
      { stage: 'retrain', ...layer(0, { step: 2, steps: 2 }) },
      { stage: 'floor', ...layer(0, { message: 'conv1 shares 3 instead of 4' }) },
    );
    expect(more.log.map(({ tone }) => tone)).toEqual(['neutral', 'warn']);
  });

  it('knows nothing of the whole before the first layer, and that a job that ended well is done', () => {
    expect(shareDone(tell({ state: 'leased' }, { stage: 'download' }))).toBeNull();
    expect(shareDone(tell({ state: 'succeeded' }))).toBe(1);
  });
});

describe('progressWords()', () => {
  it('says where it is, what it does, and what it reached', () => {
    expect(progressWords({ stage: 'retrain', ...layer(1, { step: 1200, steps: 3000 }) })).toBe(
      'conv2 (2 of 2): retraining 1,200 of 3,000',
    );
    expect(progressWords({ stage: 'validate', accuracy: { digit: 0.98765 } })).toBe(
      'validating, digit 98.77\u00a0%',
    );
    expect(progressWords({ stage: 'planned', message: '61.20 % of the parameters are left' })).toBe(
      'the plan: 61.20 % of the parameters are left',
    );
    const stayed = '"letters" answers 97.50 % of 40 samples as its own network';
    expect(progressWords({ stage: 'judged', message: stayed, accuracy: { digit: 0.99 } })).toBe(
      `the merged network: ${stayed}, digit 99.00\u00a0%`,
    );
    expect(progressWords({ stage: 'a new stage', message: 'hello' })).toBe('a new stage: hello');
  });
});

it('paceWords() tells a step that takes seconds', () => {
  expect([41.7, 9.96, 0.4217].map(paceWords)).toEqual(['42 steps/s', '10 steps/s', '0.42 steps/s']);
});

describe('what a recipe asks for, in words', () => {
  it('names budgets with what they are of', () => {
    const told = [
      { of: 'parameters', atMost: 0.6 },
      { of: 'macs', atMost: 0.5 },
      { of: 'bytes', atMostBytes: 2_000_000 },
      { of: 'heap', atMostBytes: 64_000_000 },
    ] as const;
    expect(told.map(budgetWords)).toEqual([
      "at most 60.0\u00a0% of the separate networks' parameters",
      "at most 50.0\u00a0% of the separate networks' multiply-adds",
      'at most 2.00\u00a0MB of weights',
      'at most 64.0\u00a0MB of heap at the edge',
    ]);
  });

  it('names floors of single tasks, of all, and of both', () => {
    expect(floorWords({ maxDrop: 0.015 })).toBe('tasks lose 1.50 points at most');
    expect(floorWords({ accuracy: { a: 0.98, b: 0.9 } })).toBe(
      'a at least 98.00\u00a0%, b at least 90.00\u00a0%',
    );
    expect(floorWords({ accuracy: { a: 0.98 }, maxDrop: 0.02 })).toBe(
      'a at least 98.00\u00a0%; others lose 2.00 points at most',
    );
  });

  it('says whose answers are learnt', () => {
    const of = (distillation: number, finalSteps = 540) =>
      retrainingWords({
        ...{ stepsPerLayer: 0, finalSteps, batchSize: 1, learningRate: 1, weightDecay: 0 },
        ...{ distillation, temperature: 2 },
      });
    expect(of(1)).toBe("0 steps a layer, 540 at the end, by the originals' answers");
    expect(of(0)).toBe('0 steps a layer, 540 at the end, by labels');
    expect(of(0.5)).toBe(
      "0 steps a layer, 540 at the end, by labels and, for 50\u00a0%, the originals' answers",
    );
    expect(of(1, 0)).toBe('none');
  });
});
