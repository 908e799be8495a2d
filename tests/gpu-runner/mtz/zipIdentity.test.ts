import { expect, test } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { joinSources } from '../../../gpu-runner/mtz/joinSources.ts';
import { zipIdentity } from '../../../gpu-runner/mtz/zipIdentity.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import { denseNet } from './nets.ts';

test('zipIdentity() is the same for the same zip, and another for each thing that decides it', async () => {
  const of = ({
    seed = 1,
    net = 2,
    value = 0,
    provider = 'cpu' as 'cpu' | 'webgpu',
    gramBytes = 2 ** 30,
  }) => {
    const recipe = recipeSchema.parse({
      wiring: 'crossed',
      share: { share: 1 },
      retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 2, learningRate: 0.1 },
      seed,
    });
    const sources = [1, net].map((each, index) => ({
      task: `task${index}`,
      graph: denseNet(each),
      train: memoryDataset({
        ...{ sampleDims: [6], classes: 3, labels: Int32Array.of(0, 1) },
        inputs: new Float32Array(12).fill(value),
      }),
    }));
    return zipIdentity(joinSources(sources, recipe).network, sources, recipe, { provider, gramBytes });
  };
  const all = await Promise.all([
    of({}),
    of({ seed: 2 }),
    of({ net: 3 }),
    of({ value: 1 }),
    of({ provider: 'webgpu' }),
    of({ gramBytes: 2 ** 20 }),
  ]);
  expect(new Set(all).size).toBe(all.length);
  expect(await of({})).toBe(all[0]);
});
