import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { IndefiniteError } from '../../../gpu-runner/linalg/indefiniteError.ts';
import { pairGroup } from '../../../gpu-runner/mtz/pairing.ts';
import { rowsOf } from '../../../gpu-runner/mtz/network.ts';
import { solving } from '../../../gpu-runner/mtz/solving.ts';
import { zip, type Source } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { denseNet } from './nets.ts';
import { groupNamed, gramsOf, joined, stepNamed } from './networks.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { measureStep } from '../../../gpu-runner/mtz/stepGrams.ts';
import { taught } from './taught.ts';

const options = { provider: 'cpu' } as const;

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    gramSamples: 20,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    ...asked,
  });

const pairOf = async (net: (seed: number) => Graph): Promise<Source[]> => [
  await taught('digit', net(1), 1),
  await taught('fashion', net(2), 2),
];

/** All samples with one number that is infinite. */
function spoiled(source: Source, at: number): Source {
  const { sampleDims, labels, classes } = source.train;
  const inputs = source.train.inputs(Uint32Array.from(labels.keys())).slice();
  const size = inputs.length / labels.length;
  for (let sample = 0; sample < labels.length; sample += 1) inputs[sample * size + at] = Infinity;
  return { ...source, train: memoryDataset({ sampleDims, classes, labels, inputs }) };
}

describe('what reaches a layer', () => {
  const diverged = 'are not finite: its samples are not, or retraining diverged (lower learningRate)';

  test.each([
    ['as a whole', {}],
    ['by few samples', { gramBytes: 1500 }],
  ])('is refused by layer and task where it is not finite (measured %s)', async (_, more) => {
    const [digit, fashion] = await pairOf(denseNet);
    if (!digit || !fashion) throw new Error('there are two sources');
    await expect(zip([digit, spoiled(fashion, 2)], recipeOf(), { ...options, ...more })).rejects.toThrow(
      `Cannot zip fc1: 1 of the 7 inputs that "fashion" gives it ${diverged}`,
    );
  });

  test('is refused in a step that reads every channel by itself, too', async () => {
    const net = (seed: number): Graph =>
      mobilenet({ seed, input: [2, 4, 4], channels: [2], strides: [1], activation: 'hardswish' });
    const network = joined([net(1), net(2)], 'one-way');
    const [digit] = await pairOf(net);
    if (!digit) throw new Error('there are two sources');
    const samples = Uint32Array.of(0, 1);
    const measuring = { ...options, samples, damping: 1e-3, weight: 0.5 };
    const step = stepNamed(network, 'features.0.1.0');
    expect(step.kind).toBe('channelwise');
    await expect(measureStep(network, step, 0, spoiled(digit, 0).train, measuring)).rejects.toThrow(
      /^Cannot zip features\.0\.1\.0: \d+ of the 40 inputs that "digit" gives it are not finite/,
    );
  });
});

describe('a Gram matrix that is not positive definite', () => {
  const state = String.raw`is not positive definite \(pivot \d+ of (\d+) is -?[\d.e-]+\): raise damping \(now 1e-300\)$`;

  test('is told by its layer and its tasks where channels are paired', async () => {
    const recipe = recipeOf({ damping: 1e-300, gramSamples: 2 });
    await expect(zip(await pairOf(denseNet), recipe, options)).rejects.toThrow(
      new RegExp(`^Cannot zip fc1: its Gram matrix of "digit" and "fashion" ${state}`),
    );
  });

  test('is told by its layer and its task where weights are fitted', async () => {
    const recipe = recipeOf({ damping: 1e-300, gramSamples: 4, share: { fc1: { count: 2 } } });
    const looking = { ...recipe, retraining: { ...recipe.retraining, stepsPerLayer: 1 } };
    await expect(zip(await pairOf(denseNet), looking, options)).rejects.toThrow(
      new RegExp(`^Cannot zip fc2: its Gram matrix of "digit" ${state}`),
    );
  });

  test('solving() tells one that is not finite, and leaves other errors as they are', async () => {
    const network = { tasks: ['digit', 'fashion'] };
    const fail = (error: Error) =>
      solving(network, { name: 'conv3' }, 2, [], () => {
        throw error;
      });
    const pivot = { pivot: 0, size: 9, value: NaN };
    await expect(fail(new IndefiniteError('pivot 0 is NaN', pivot))).rejects.toThrow(
      'Cannot zip conv3: its Gram matrix of "fashion" holds numbers that are not finite',
    );
    await expect(fail(new IndefiniteError('no', { ...pivot, value: -0.5 }))).rejects.toThrow(
      'Cannot zip conv3: its Gram matrix of "fashion" is not positive definite (pivot 0 of 9 is -0.5): raise damping',
    );
    await expect(fail(new RangeError('something else'))).rejects.toThrow('something else');
  });
});

test('pairGroup() tells the layer whose weights are not finite', async () => {
  const network = joined([denseNet(1), denseNet(2)], 'one-way');
  const step = stepNamed(network, 'fc1');
  const [first, ...others] = rowsOf(network, step);
  if (!first) throw new Error('fc1 has weights');
  const parts = first.parts.map((part) => ({
    ...part,
    weight: { ...part.weight, data: part.weight.data.fill(NaN) },
  }));
  const broken = { ...network, rows: new Map(network.rows).set('fc1', [{ ...first, parts }, ...others]) };
  const grams = new Map([['fc1', await gramsOf(joined([denseNet(1), denseNet(2)], 'one-way'), step)]]);
  await expect(
    pairGroup(broken, groupNamed(network, 'fc1'), { count: 2, matching: 'optimal', grams }),
  ).rejects.toThrow(
    'Cannot zip fc1: 64 of the 64 costs of sharing its channels among "digit" and "fashion" are not finite',
  );
});
