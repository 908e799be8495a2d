import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { memoryDataset, noLabel, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { zip, type Source, type ZipProgress } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { denseNet, NetBuilder, randomInput } from './nets.ts';
import { randomSamples } from './networks.ts';

// What a recipe says of retraining, as far as the engine: through zip().

const base = { stepsPerLayer: 3, finalSteps: 3, batchSize: 8, learningRate: 0.01, distillation: 1 };

const recipeOf = (retraining: Partial<RecipeInput['retraining']> = {}): Recipe =>
  recipeSchema.parse({ wiring: 'one-way', gramSamples: 30, retraining: { ...base, ...retraining } });

type Steps = Extract<ZipProgress, { stage: 'retrain' }>[];

async function zipped(sources: readonly Source[], retraining: Partial<RecipeInput['retraining']> = {}) {
  const steps: Steps = [];
  const { network } = await zip(sources, recipeOf(retraining), {
    provider: 'cpu',
    onProgress: (event) => event.stage === 'retrain' && steps.push(event),
  });
  return { network, steps };
}

/** Two dense networks, and which batches retraining read of each. */
function dense(): { sources: Source[]; read: Record<string, number[]> } {
  const read: Record<string, number[]> = { digit: [], fashion: [] };
  const sources = Object.entries(read).map(([task, sizes], index): Source => {
    const data = randomSamples([6], 60, index + 1);
    const train: Dataset = {
      ...data,
      // Only retraining reads samples for a step.
      inputs(indices, step) {
        if (step !== undefined) sizes.push(indices.length);
        return data.inputs(indices, step);
      },
    };
    return { task, graph: denseNet(index + 1), train };
  });
  return { sources, read };
}

describe('zip() retrains as the recipe says', () => {
  test('on batches of the size that each task is given, others on the common one', async () => {
    const { sources, read } = dense();
    await zipped(sources, { batchSizes: { fashion: 5 } });
    // Three steps after each of two layers, and three more at the end.
    expect(read).toEqual({ digit: Array(9).fill(8), fashion: Array(9).fill(5) });
    const few = { batchSizes: { fashion: 61 } };
    await expect(zipped(sources, few)).rejects.toThrow('60 samples do not fill a batch of 61');
  });

  test("by the tasks' losses, weighed as it says", async () => {
    const { sources } = dense();
    const equal = await zipped(sources);
    const weighed = await zipped(sources, { lossWeights: { fashion: 4 } });
    expect(equal.steps.every(({ weights }) => weights.join() === '1,1')).toBe(true);
    expect(weighed.steps.every(({ weights }) => weights.join() === '1,4')).toBe(true);
    // The same first batch, then another way.
    expect(weighed.steps[0]?.losses).toEqual(equal.steps[0]?.losses);
    expect(weighed.network).not.toEqual(equal.network);
    const last = ({ steps }: { steps: Steps }): number => steps.at(-1)?.losses[1] ?? NaN;
    expect(last(weighed)).toBeLessThan(last(equal));
  });

  test('with weights that follow the losses, on top of the fixed ones', async () => {
    const { sources } = dense();
    const adaptiveWeights = { kind: 'dynamic-average', temperature: 0.5, window: 1 } as const;
    const fixed = { stepsPerLayer: 6, finalSteps: 0, lossWeights: { digit: 2 } };
    const { steps } = await zipped(sources, { ...fixed, adaptiveWeights });
    const factors = steps.map(({ weights: [digit = NaN, fashion = NaN] }) => [digit / 2, fashion]);
    // They share a sum of one a task, and move once there are losses to compare.
    for (const [digit = NaN, fashion = NaN] of factors) expect(digit + fashion).toBeCloseTo(2, 5);
    expect(factors[0]).toEqual([1, 1]);
    expect(factors.some(([digit = 1]) => Math.abs(digit - 1) > 1e-4)).toBe(true);
  });

  test('on images of a task that are flipped and moved, and those of the others as they are', async () => {
    const net = (seed: number): Graph =>
      new NetBuilder(seed, [1, 4, 4]).conv('conv', 1, 4).op('Relu').op('Flatten').dense('fc', 16, 3).end();
    const images = (seed: number, isMirrored: boolean): Dataset => {
      const { data } = randomInput([40, 1, 4, 4], seed);
      const mirrored = data.map((value, at) => (at % 4 < 2 ? value : (data[at - 2 * (at % 4) + 3] ?? NaN)));
      const labels = Int32Array.from({ length: 40 }, (_, index) => index % 3);
      const inputs = isMirrored ? mirrored : data;
      return memoryDataset({ sampleDims: [1, 4, 4], classes: 3, labels, inputs });
    };
    const sources = [
      { task: 'face', graph: net(1), train: images(1, true) },
      { task: 'word', graph: net(2), train: images(2, false) },
    ];
    const plain = await zipped(sources);
    const flip = { flip: true, shift: 0 };
    const faces = await zipped(sources, { augmentation: { face: flip } });
    // A mirrored face is the same face; a mirrored word is another one, and so is a face beside its place.
    expect(faces.network).toEqual(plain.network);
    const words = await zipped(sources, { augmentation: { word: flip } });
    expect(words.network).not.toEqual(plain.network);
    const moved = await zipped(sources, { augmentation: { face: { flip: false, shift: 1 } } });
    expect(moved.network).not.toEqual(plain.network);
  });

  test('and early stopping sees the tasks that have labels', async () => {
    const held = dense().sources.map(({ task, graph, train }): Source => {
      const labels = task === 'digit' ? train.labels : train.labels.map(() => noLabel);
      const data = { ...train, labels };
      return { task, graph, train: data, validation: data };
    });
    const earlyStopping = { every: 2, patience: 1 };
    const { looks } = await zip(held, recipeOf({ earlyStopping }), { provider: 'cpu' });
    expect(looks.length).toBeGreaterThan(1);
    for (const { scores } of looks) expect(Object.keys(scores)).toEqual(['digit']);
  });

  test('for fewer steps where validation gets no better, and keeps the best network', async () => {
    const { sources } = dense();
    const held = sources.map((source) => ({ ...source, validation: source.train }));
    const spoiling = { stepsPerLayer: 0, learningRate: 5, distillation: 0 };
    const earlyStopping = { every: 1, patience: 1, metric: 'loss' as const };
    const stopped = await zipped(held, { ...spoiling, earlyStopping });
    const none = await zipped(held, { stepsPerLayer: 0, finalSteps: 0 });
    expect(stopped.steps.map(({ layer, step }) => [layer, step])).toEqual([['fc2', 1]]);
    expect(stopped.network).toEqual(none.network);
  });
});
