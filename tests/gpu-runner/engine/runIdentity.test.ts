import { describe, expect, it } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { maskOfZeros } from '../../../gpu-runner/engine/masks.ts';
import { differenceOf, identifyRun } from '../../../gpu-runner/engine/runIdentity.ts';
import type { TrainOptions } from '../../../gpu-runner/engine/train.ts';
import { clouds, denseNet } from './tinyNets.ts';

const objective = { input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' } as const;
const options = (overrides: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ graph: denseNet(), objectives: [objective], steps: 10, batchSize: 8, seed: 1, provider: 'cpu' },
  optimiser: { kind: 'sgd', momentum: 0.5 },
  schedule: { learningRate: 0.1 },
  ...overrides,
});
const difference = async (overrides: Partial<TrainOptions>): Promise<string | undefined> =>
  differenceOf(await identifyRun(options()), await identifyRun(options(overrides)));

describe('identifyRun()', () => {
  it('is the same for the same options, in whatever order they are written, watched or not', async () => {
    expect(await difference({})).toBeUndefined();
    expect(await difference({ optimiser: { momentum: 0.5, kind: 'sgd' } })).toBeUndefined();
    expect(await difference({ checkpoint: { every: 3 }, onProgress: () => undefined })).toBeUndefined();
    expect(await difference({ objectives: [{ ...objective, weight: 1, batchSize: 8 }] })).toBeUndefined();
  });

  const w2 = denseNet().initializers.get('w2');
  if (!w2) throw new Error('The net has changed');
  const changes: readonly (readonly [string, Partial<TrainOptions>])[] = [
    ['steps was 10, is 11', { steps: 11 }],
    ['threads was all, is 1', { threads: 1 }],
    ['optimiser was {"kind":"sgd","momentum":0.5}, is {"kind":"adamw"}', { optimiser: { kind: 'adamw' } }],
    ['schedule was {"learningRate":0.1}, is {"learningRate":0.2}', { schedule: { learningRate: 0.2 } }],
    ['clipNorm was none, is 2', { clipNorm: 2 }],
    ['frozenStatistics was false, is true', { frozenStatistics: true }],
    [
      'lossWeighting was {"kind":"fixed"}, is {"kind":"dynamic-average"}',
      { lossWeighting: { kind: 'dynamic-average' } },
    ],
    ['masks differs', { masks: new Map([['w2', maskOfZeros(w2)]]) }],
    ['parameters differs', { parameters: ['w1'] }],
    ['graph differs', { graph: denseNet(2, 8, 3, 2) }],
    ['objective "logits" differs', { objectives: [{ ...objective, weight: 2 }] }],
    ['objective "logits" differs', { objectives: [{ ...objective, data: clouds(96, 6) }] }],
    ['objective "logits" differs', { objectives: [{ ...objective, validation: clouds() }] }],
    [
      'objective "logits" differs',
      { objectives: [{ ...objective, teacher: { graph: denseNet(), distillation: 1, temperature: 2 } }] },
    ],
  ];
  it.each(changes)('tells that %s', async (expected, overrides) => {
    expect(await difference(overrides)).toBe(expected);
  });

  it('sees other labels and another first sample', async () => {
    const data = (first: number, label: number) =>
      memoryDataset({
        ...{ sampleDims: [1], classes: 2 },
        labels: Int32Array.of(0, label, 0),
        inputs: Float32Array.of(first, 2, 3),
      });
    const graph = denseNet(1);
    const identify = (first: number, label: number) =>
      identifyRun(options({ graph, objectives: [{ ...objective, data: data(first, label) }] }));
    const base = await identify(1, 0);
    expect(differenceOf(base, await identify(1, 0))).toBeUndefined();
    expect(differenceOf(base, await identify(9, 0))).toBe('objective "logits" differs');
    expect(differenceOf(base, await identify(1, 1))).toBe('objective "logits" differs');
  });
});
