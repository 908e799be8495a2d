import { expect, test } from 'vitest';
import { planLines, planSummary } from '../../../gpu-runner/cli/planLines.ts';
import { planShapes, planWithData, type MergePlan } from '../../../gpu-runner/cli/planMerge.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { recipe, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { convNet } from '../mtz/nets.ts';
import { NetBuilder } from '../mtz/nets/builder.ts';
import { randomSamples } from '../mtz/networks.ts';

const recipeOf = (change: Partial<RecipeInput> = {}): Recipe =>
  recipe.parse({
    ...{ wiring: 'one-way', gramSamples: 32 },
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.1 },
    ...change,
  });

/** A convolution, its batch normalisation, another convolution, and classes. */
function normed(seed: number): Graph {
  const net = new NetBuilder('normed', seed);
  const one = net.relu(net.norm('bn1', net.conv('conv1', net.input([1, 6, 6]), 4)));
  const two = net.relu(net.conv('conv2', one, 4));
  return net.end(net.dense('fc', net.act('Flatten', net.node('GlobalAveragePool', [two], [4])), 3));
}

/** A dense layer in common, and another behind a Softmax, beyond which nothing is read. */
function parting(seed: number): Graph {
  const net = new NetBuilder('parting', seed);
  const hidden = net.relu(net.dense('fc1', net.input([6]), 5));
  return net.end(net.dense('fc2', net.act('Softmax', hidden), 3));
}

const named = (make: (seed: number) => Graph) =>
  ['digit', 'letter'].map((task, index) => ({ task, graph: make(index + 1) }));

const wiredLine = (plan: MergePlan): string =>
  planLines(plan, false).find((line) => line.startsWith('Wired')) ?? '';

/** A plan with losses. */
const predicted = (change: Partial<RecipeInput>): Promise<MergePlan> =>
  planWithData(
    named(convNet).map((net, index) => ({ ...net, train: randomSamples([2, 9, 9], 32, index) })),
    recipeOf(change),
    { provider: 'cpu', curve: true },
  );

test('a plan says what really runs once', () => {
  const shared = named(() => normed(1));
  expect(wiredLine(planShapes(shared, recipeOf()))).toBe(
    'Wired one-way: shared channels read shared ones only; what 2 of 3 layers share runs once for all tasks.',
  );
  expect(wiredLine(planShapes(shared, recipeOf({ batchNorm: 'per-task' })))).toBe(
    'Wired one-way: shared channels read shared ones only; what 1 of 3 layers share runs once for all tasks, up to bn1, the first batch normalisation that each task keeps for itself.',
  );
  const crossed = { wiring: 'crossed', batchNorm: 'fold' } as const;
  expect(wiredLine(planShapes(shared, recipeOf(crossed)))).toContain('what 2 of 3 layers share runs once');
  expect(wiredLine(planShapes(shared, recipeOf({ ...crossed, share: { share: 0 } })))).toContain(
    'so each task runs through all layers',
  );
});

test('a plan counts what stays whole in the heads, and says how much that is', () => {
  const plan = planShapes(named(parting), recipeOf());
  expect(plan).toMatchObject({
    separate: { parameters: 106 },
    size: { parameters: 71 },
    heads: { parameters: 36, macs: 30 },
  });
  expect(planLines(plan, false)).toContain(
    'Of each of the two, 36 parameters and 30 multiply-adds stay whole in the heads.',
  );
});

test('bytes of groups add up to those of the plan, as they are stored', () => {
  const plan = planShapes(named(convNet), recipeOf({ storage: 'float16', share: { share: 0.5 } }));
  const total = (which: 'separate' | 'merged') =>
    plan.groups.reduce((sum, { bytes }) => sum + bytes[which], 0);
  expect([total('separate'), total('merged')]).toEqual([plan.bytes.separate, plan.bytes.merged]);
  expect(plan.bytes).toEqual({ separate: 4 * plan.separate.parameters, merged: 2 * plan.size.parameters });
});

test('an explained plan shows what each group stores and would save, and marks itself on the curve', async () => {
  const plan = await predicted({ budget: { of: 'heap', atMostBytes: 15_733_000 } });
  expect(plan.heapBytes.merged).toBeLessThanOrEqual(15_733_000);
  const lines = planLines(plan, true);
  expect(lines[0]).toMatch(/bytes separate +merged +channels fewer +would save of loss +for bytes$/);
  for (const { group, shared, marginal } of plan.groups)
    if (shared > 0 && marginal) {
      expect(marginal.channels).toBeGreaterThan(0);
      expect(lines.find((line) => line.startsWith(`${group} `))).toContain(`-${marginal.channels}`);
    }
  expect(plan.groups.filter(({ marginal }) => marginal !== null).length).toBeGreaterThan(0);
  const marked = lines.filter((line) => line.startsWith('this plan'));
  expect(marked.length).toBe(1);
  expect(marked[0]).toContain(plan.loss?.toPrecision(3));
  expect(lines.find((line) => line.startsWith('heap at the edge'))).toMatch(/15\.0 MiB/);
  expect(lines.join('\n')).not.toContain('Floors');
});

test('bytes that sharing less would save, and not cost, have their sign', async () => {
  const plan = await predicted({});
  const groups = plan.groups.map((group) => ({
    ...group,
    marginal: { channels: 4, loss: -0.001, bytes: -2048 },
  }));
  const [, , first] = planLines({ ...plan, groups }, true);
  expect(first).toMatch(/ -4 +-0\.00100 +-2\.0 KiB$/);
});

test('what a group would save by sharing less is the difference to the plan that does', async () => {
  const all = await predicted({});
  const widest = all.groups.find(({ marginal }) => marginal !== null);
  const { group = '', shared = 0, marginal } = widest ?? {};
  const counts = all.groups
    .filter((each) => each.shared > 0)
    .map((each) => [each.group, { count: each.shared }] as const);
  const less = await predicted({
    share: { ...Object.fromEntries(counts), [group]: { count: shared - (marginal?.channels ?? 0) } },
  });
  expect(less.bytes.merged - all.bytes.merged).toBe(marginal?.bytes);
  expect(marginal?.bytes).toBeGreaterThan(0);
});

test('floors and the budget are named in a plan', () => {
  const nets = named(convNet);
  const floors = planLines(planShapes(nets, recipeOf({ floors: { maxDrop: 0.1 } })), false);
  expect(floors.at(-1)).toMatch(/^Floors are held while merging/);
  const plan = planShapes(nets, recipeOf({ share: { share: 0.5 } }));
  expect(planSummary(plan)).toEqual([
    expect.stringMatching(
      /^Plan: [\d.]+ % of the parameters, [\d.]+ % of the multiply-adds of the separate networks are left$/,
    ) as string,
    '  conv1  2 of 4 and 4 channels shared',
    '  conv2  3 of 5 and 5 channels shared',
    '  fc1    4 of 7 and 7 channels shared',
  ]);
  const budget = { of: 'bytes', atMostBytes: 2048 } as const;
  expect(planSummary({ ...plan, budget, loss: 0.25 })[0]).toMatch(
    /^Plan for at most 2\.0 KiB of weights: .* are left; predicted loss 0\.250$/,
  );
});

test('a plan refuses data that does not fit its networks, and a budget without data with what to do', async () => {
  const nets = named(convNet).map((net) => ({ ...net, train: randomSamples([2, 8, 8], 32, 1) }));
  await expect(planWithData(nets, recipeOf(), { provider: 'cpu', curve: true })).rejects.toThrow(
    'Cannot zip "digit": its samples are [2,8,8], the networks read [2,9,9]',
  );
  expect(() => planShapes(named(convNet), recipeOf({ budget: { of: 'macs', atMost: 0.5 } }))).toThrow(
    'Cannot plan for a budget of macs without data: what sharing costs is measured on it',
  );
});
