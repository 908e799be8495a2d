import { expect, test } from 'vitest';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import { denseNet } from './nets.ts';

const recipe = recipeSchema.parse({
  wiring: 'crossed',
  share: { share: 1 },
  retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 2, learningRate: 0.1 },
  refit: false,
});
const samples: Dataset = memoryDataset({
  ...{ sampleDims: [6], classes: 3, labels: Int32Array.of(0, 1, 2) },
  inputs: Float32Array.from({ length: 18 }, (_, index) => Math.sin(index)),
});

test('a zip that is stopped while it shares a layer does not finish the layer first', async () => {
  const stop = new AbortController();
  const reason = new Error('stop');
  // Once all is measured, nothing but the solving itself looks at the signal until the layer is shared.
  const last: Dataset = {
    ...samples,
    inputs(indices) {
      stop.abort(reason);
      return samples.inputs(indices);
    },
  };
  const stages: string[] = [];
  const zipped = zip(
    [samples, last].map((train, index) => ({ task: `task${index}`, graph: denseNet(index), train })),
    recipe,
    { provider: 'cpu', signal: stop.signal, onProgress: ({ stage }) => stages.push(stage) },
  );
  await expect(zipped).rejects.toBe(reason);
  expect(stages).toEqual(['measure', 'measure']);
});
