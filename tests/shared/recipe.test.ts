import { describe, expect, it } from 'vitest';
import { recipe, retraining } from '../../shared/recipe.ts';

const least = { stepsPerLayer: 10, finalSteps: 100, batchSize: 64, learningRate: 0.01 };

describe('retraining', () => {
  it('asks for nothing beyond the least unless it is told to', () => {
    expect(retraining.parse(least)).toEqual({ ...least, weightDecay: 0, distillation: 0, temperature: 2 });
  });

  it('fills in what adaptive weights, early stopping and augmentation leave open', () => {
    const asked = {
      ...least,
      adaptiveWeights: { kind: 'dynamic-average' },
      earlyStopping: { every: 50, patience: 3 },
      augmentation: { cifar: { flip: true, shift: 4 }, digit: {} },
    };
    expect(retraining.parse(asked)).toMatchObject({
      adaptiveWeights: { kind: 'dynamic-average', temperature: 2, window: 25 },
      earlyStopping: { every: 50, patience: 3, minDelta: 0, metric: 'accuracy' },
      augmentation: { cifar: { flip: true, shift: 4 }, digit: { flip: false, shift: 0 } },
    });
  });

  it.each([
    ['a batch of nothing', { batchSizes: { digit: 0 } }],
    ['a loss that does not count', { lossWeights: { digit: 0 } }],
    ['another scheme of weights', { adaptiveWeights: { kind: 'gradnorm' } }],
    ['no patience', { earlyStopping: { every: 1, patience: 0 } }],
    ['a gradient of no length', { clipNorm: 0 }],
    ['half a pixel', { augmentation: { digit: { shift: 0.5 } } }],
    ['what it does not know', { augmentation: { digit: { rotate: 10 } } }],
  ])('refuses %s', (_, part) => {
    expect(retraining.safeParse({ ...least, ...part }).success).toBe(false);
  });
});

describe('recipe', () => {
  it('weighs tasks where they are merged by more than 0 only', () => {
    const parsed = (mergeWeights: Record<string, number>) =>
      recipe.safeParse({ wiring: 'crossed', mergeWeights, retraining: least });
    expect(parsed({ digit: 2 }).data?.mergeWeights).toEqual({ digit: 2 });
    expect(parsed({ digit: 0 }).success).toBe(false);
  });
});
