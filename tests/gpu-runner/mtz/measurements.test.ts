import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { Measurements } from '../../../gpu-runner/mtz/measurements.ts';
import { defaultGramBytes, denseBytes } from '../../../gpu-runner/mtz/gramForm.ts';
import type { WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { producersOf } from '../../../gpu-runner/mtz/pairing.ts';
import { gramBytesOf, workingBytes } from '../../../gpu-runner/mtz/stepGrams.ts';
import { layersOf } from '../../../gpu-runner/mtz/survey.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import { denseInput, NetBuilder } from './nets.ts';
import { resnet } from './nets/resnet.ts';
import { joined, randomSamples, stepNamed, taskName } from './networks.ts';

/** Six dense layers of six channels each. */
function deepNet(seed: number): Graph {
  const builder = new NetBuilder(seed, denseInput, 'vector');
  for (let layer = 1; layer <= 5; layer += 1) builder.dense(`fc${layer}`, 6, 6).op('Tanh');
  return builder.dense('fc6', 6, 2).end();
}

function measuring(gramBytes?: number): { measurements: Measurements; reads: () => number } {
  const graphs = [deepNet(1), deepNet(2)];
  const network = joined(graphs, 'crossed');
  let reads = 0;
  const counted = (data: Dataset): Dataset => ({
    ...data,
    inputs: (indices) => {
      reads += 1;
      return data.inputs(indices);
    },
  });
  const sources = graphs.map((graph, task) => {
    const train = counted(randomSamples(denseInput, 30, task));
    return { task: taskName(task), graph, train };
  });
  const recipe = { damping: 1e-5, gramSamples: 20, seed: 1, matching: 'optimal' } as const;
  const context = { sources, recipe, provider: 'cpu', gramBytes } as const;
  return { measurements: new Measurements(network, context), reads: () => reads };
}

const network = joined([deepNet(1), deepNet(2)], 'crossed');
const [fc1, fc2, fc3, fc4] = [1, 2, 3, 4].map((layer) => stepNamed(network, `fc${layer}`)) as [
  WeightedStep,
  WeightedStep,
  WeightedStep,
  WeightedStep,
];

describe('Measurements', () => {
  test('a step is measured once while there is room, and again after it was released', async () => {
    const { measurements, reads } = measuring();
    const first = await measurements.of(fc1);
    expect(first).toHaveLength(2);
    await measurements.of(fc2);
    expect(await measurements.of(fc1)).toBe(first);
    expect(reads()).toBe(4);
    measurements.release(fc1);
    expect(await measurements.of(fc1)).toEqual(first);
    expect(reads()).toBe(6);
  });

  test('what was measured first makes room, and is the same when it is measured again', async () => {
    const working = denseBytes({ name: 'fc', inputs: 7, positions: 1, tasks: 2 });
    const size = (await measuring().measurements.of(fc1)).reduce((sum, gram) => sum + gramBytesOf(gram), 0);
    // Just enough for one layer while it is shared, and for two others that are kept.
    const { measurements, reads } = measuring(working + 2 * size);
    const first = await measurements.of(fc1);
    for (const step of [fc2, fc3, fc2, fc1, fc4]) await measurements.of(step);
    expect(reads()).toBe(8);
    await measurements.of(fc2);
    expect(reads()).toBe(8);
    expect(await measurements.of(fc1)).toEqual(first);
    expect(reads()).toBe(10);
  });

  test('nothing is kept where a layer needs all the room while it is shared', async () => {
    const working = denseBytes({ name: 'fc', inputs: 7, positions: 1, tasks: 2 });
    const { measurements, reads } = measuring(working);
    const first = await measurements.of(fc1);
    expect(await measurements.of(fc1)).toBe(first);
    await measurements.of(fc2);
    expect(reads()).toBe(4);
    expect(await measurements.of(fc1)).toEqual(first);
    expect(reads()).toBe(6);
  });
});

test('channels that several layers put out are shared alike where their Gram matrices do not fit beside each other', async () => {
  const graphs = [resnet({ seed: 1 }), resnet({ seed: 2 })];
  const untouched = joined(graphs, 'crossed');
  const { dims } = untouched.topology.input;
  const stream = untouched.topology.groups.findIndex((_, group) => layersOf(untouched, group).length > 1);
  const asked = recipeSchema.parse({
    wiring: 'crossed',
    share: { [untouched.topology.groups[stream]?.name ?? '']: { share: 0.5 } },
    ...{ gramSamples: 20, refit: false },
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.001 },
  });
  const zipped = async (gramBytes: number) => {
    let reads = 0;
    const sources = graphs.map((graph, task) => {
      const train = randomSamples(dims, 20, task);
      const inputs: Dataset['inputs'] = (indices) => {
        reads += 1;
        return train.inputs(indices);
      };
      return { task: taskName(task), graph, train: { ...train, inputs } };
    });
    const { sharing, notes } = await zip(sources, asked, { provider: 'cpu', gramBytes });
    return { sharing, notes, reads };
  };
  const widest = Math.max(
    ...producersOf(untouched, stream).map((step) => workingBytes(untouched, step, 20, defaultGramBytes)),
  );
  // The widest of them by itself, and nothing beside it.
  const [roomy, tight] = [await zipped(defaultGramBytes), await zipped(widest)];
  expect(tight.sharing).toEqual(roomy.sharing);
  expect(tight.notes).toEqual(roomy.notes);
  expect(tight.reads).toBeGreaterThan(roomy.reads);
});
