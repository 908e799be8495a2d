import { expect, test } from 'vitest';
import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { joinSources } from '../../../gpu-runner/mtz/joinSources.ts';
import { makePlan } from '../../../gpu-runner/mtz/makePlan.ts';
import { planByHand } from '../../../gpu-runner/mtz/plan.ts';
import { planSize } from '../../../gpu-runner/mtz/planSize.ts';
import type { Source } from '../../../gpu-runner/mtz/source.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { recipe, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { NetBuilder } from './nets/builder.ts';
import { randomSamples } from './networks.ts';

/** Dense layers of 4 channels each, and 3 classes. */
function deep(seed: number, layers: number): Graph {
  const net = new NetBuilder('deep', seed);
  let x = net.input([6]);
  for (let layer = 1; layer <= layers; layer += 1) x = net.relu(net.dense(`fc${layer}`, x, 4));
  return net.end(net.dense('last', x, 3));
}

const recipeOf = (change: Partial<RecipeInput> = {}): Recipe =>
  recipe.parse({
    ...{ wiring: 'one-way', gramSamples: 32 },
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.1 },
    ...change,
  });

const sourcesOf = (layers: number): Source[] =>
  [1, 2].map((seed) => ({
    task: `task${seed}`,
    graph: deep(seed, layers),
    train: randomSamples([6], 32, seed),
  }));

/** Samples that nobody may read. */
const unread = (data: Dataset): Dataset => ({
  ...data,
  inputs: () => {
    throw new Error('samples were read');
  },
});

const planned = (sources: readonly Source[], asked: Recipe, predict = false) =>
  makePlan(joinSources(sources, asked).network, sources, asked, { provider: 'cpu', predict });

test.each([
  [{ of: 'parameters', atMost: 0.1 }, /^Cannot keep to 10\.0 % of the separate networks' parameters: /],
  [{ of: 'macs', atMost: 0.1 }, /^Cannot keep to 10\.0 % of the separate networks' multiply-adds: /],
  [{ of: 'bytes', atMostBytes: 9 }, /^Cannot keep to 9 bytes of weights stored as float32: /],
  [{ of: 'heap', atMostBytes: 9 }, /^Cannot keep to a heap of 9 bytes at the edge, .* leaves 157\d{5}$/],
] as const)('makePlan() refuses %j, which no plan keeps, before it reads a sample', async (budget, why) => {
  const sources = sourcesOf(2).map((source) => ({ ...source, train: unread(source.train) }));
  await expect(planned(sources, recipeOf({ budget }))).rejects.toThrow(why);
  const possible = { ...budget, ...('atMost' in budget ? { atMost: 1 } : { atMostBytes: 2 ** 30 }) };
  await expect(planned(sources, recipeOf({ budget: possible }))).rejects.toThrow('samples were read');
});

test('makePlan() predicts losses without a budget where it is asked to, from its plan on', async () => {
  const sources = sourcesOf(2);
  const asked = recipeOf({ share: { share: 0.5 } });
  const { network } = joinSources(sources, asked);
  const silent = await planned(sources, asked);
  expect([silent.prediction, silent.unpredicted]).toEqual([null, null]);
  const { plan, prediction, unpredicted } = await planned(sources, asked, true);
  expect(plan).toEqual(planByHand(network, { share: 0.5 }));
  expect(unpredicted).toBeNull();
  expect(prediction?.curve[0]).toMatchObject({
    ...planSize(network, plan),
    loss: prediction?.lossOf(plan),
  });
  expect(prediction?.curve.at(-1)).toMatchObject({ ...planSize(network, new Map()), loss: 0 });
});

test('makePlan() leaves the prediction out for many groups, and says so', async () => {
  const sources = sourcesOf(25).map((source) => ({ ...source, train: unread(source.train) }));
  const { plan, prediction, unpredicted } = await planned(sources, recipeOf(), true);
  expect(plan.size).toBe(25);
  expect(prediction).toBeNull();
  expect(unpredicted).toBe(
    'No loss was predicted: that takes long for 25 groups, more than 24. A budget, or a plan with --explain, predicts it.',
  );
});

test('makePlan() leaves the prediction out for a layer of many inputs, and says which', async () => {
  const wide = (seed: number): Graph => {
    const net = new NetBuilder('wide', seed);
    const hidden = net.relu(net.dense('fc1', net.input([8200]), 2));
    return net.end(net.dense('last', hidden, 3));
  };
  const sources = [1, 2].map((seed) => ({
    task: `task${seed}`,
    graph: wide(seed),
    train: unread(randomSamples([8200], 1, seed)),
  }));
  const { prediction, unpredicted } = await planned(sources, recipeOf(), true);
  expect(prediction).toBeNull();
  expect(unpredicted).toMatch(
    /^No loss was predicted: that takes long for the 8200 inputs of .*fc1.*, more than 8192\./,
  );
});
