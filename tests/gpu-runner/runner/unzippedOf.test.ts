import { expect, test } from 'vitest';
import { unzippedOf } from '../../../gpu-runner/runner/unzippedOf.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import { NetBuilder } from '../mtz/nets.ts';
import { randomSamples } from '../mtz/networks.ts';

const net = (seed: number, deeper: boolean): Graph => {
  const start = new NetBuilder(seed, [6]).dense('fc1', 6, 8).op('Relu').dense('fc2', 8, 8);
  const more = deeper ? start.op('Relu').dense('fc3', 8, 8).op('Tanh') : start.op('Sigmoid');
  return more.dense('last', 8, 3).end();
};

test('unzippedOf() names the groups that share nothing, and the layers that only one network has', async () => {
  const sources = [true, false].map((deeper, index) => ({
    ...{ task: ['digit', 'fashion'][index] ?? '', graph: net(index + 1, deeper) },
    train: randomSamples([6], 40, index),
  }));
  const recipe = recipeSchema.parse({
    wiring: 'one-way',
    share: { fc1: { share: 1 } },
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.1 },
  });
  const zipped = await zip(sources, recipe, { provider: 'cpu' });
  const reason = 'not all networks have it, or it cannot be read: the notes say where they part';
  expect(unzippedOf(zipped, recipe)).toEqual([
    { what: 'fc2', reason: 'the recipe shares none of it' },
    { task: 'digit', what: 'fc3.weight, last.weight', reason },
    { task: 'fashion', what: 'last.weight', reason },
  ]);
  expect(zipped.notes).toHaveLength(1);
  const budget = { of: 'parameters', atMost: 0.9 } as const;
  expect(unzippedOf(zipped, { budget })[0]?.reason).toBe('the budget is kept without it');
  const planned = new Map([...zipped.plan.plan, ...[1, 2, 3].map((group) => [group, 1] as const)]);
  const undone = { ...zipped, plan: { ...zipped.plan, plan: planned } };
  expect(unzippedOf(undone, recipe)[0]?.reason).toBe(
    'what it would read of the layers before is not shared any more',
  );
});
