import { estimateHeapBytes } from '../../../shared/heap.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  limitOf,
  planPath,
  planWithin,
  tailParameters,
  type PlanPoint,
} from '../../../gpu-runner/mtz/budget.ts';
import { countParameters } from '../../../gpu-runner/mtz/count.ts';
import { dropLoss, inputLosses, type InputLosses } from '../../../gpu-runner/mtz/dropLoss.ts';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { mergeStep } from '../../../gpu-runner/mtz/mergeStep.ts';
import { weightedSteps, type Network } from '../../../gpu-runner/mtz/network.ts';
import { checkWiring, planByHand, type Plan } from '../../../gpu-runner/mtz/plan.ts';
import { isOwnRead, planSize } from '../../../gpu-runner/mtz/planSize.ts';
import type { Pairing } from '../../../gpu-runner/mtz/pairing.ts';
import type { StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { pairAll } from '../../../gpu-runner/mtz/survey.ts';
import { convNet } from './nets.ts';
import { gramsOf, groupNamed, joined } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { resnet } from './nets/resnet.ts';

interface Surveyed {
  readonly network: Network;
  readonly most: Plan;
  readonly grams: ReadonlyMap<string, readonly StepGram[]>;
  readonly losses: ReadonlyMap<string, InputLosses>;
  readonly pairings: ReadonlyMap<number, Pairing>;
}

async function survey(network: Network): Promise<Surveyed> {
  const grams = new Map<string, StepGram[]>();
  const losses = new Map<string, InputLosses>();
  for (const step of weightedSteps(network)) {
    const measured = await gramsOf(network, step);
    grams.set(step.name, measured);
    if (step.kind === 'layer') losses.set(step.name, await inputLosses(network, step, measured));
  }
  const most = planByHand(network, { share: 1 });
  const pairings = await pairAll(
    network,
    { of: (step) => Promise.resolve(grams.get(step.name) ?? []), release: () => undefined },
    { matching: 'optimal', seed: 1 },
    (group) => most.get(group) ?? 0,
  );
  return { network, most, grams, losses, pairings };
}

const pathOf = ({ network, most, losses, pairings }: Surveyed, saving: 'parameters' | 'macs'): PlanPoint[] =>
  planPath(network, most, pairings, saving, dropLoss(network, pairings, losses));

describe.each(['one-way', 'crossed', 'prefix'] as const)('planPath (%s)', (wiring) => {
  let surveyed: Surveyed;
  beforeAll(async () => {
    surveyed = await survey(joined([resnet({ seed: 1 }), resnet({ seed: 2 })], wiring));
  });

  test('goes from sharing everything to sharing nothing by plans that the wiring allows', () => {
    const { network, most } = surveyed;
    const path = pathOf(surveyed, 'parameters');
    expect(path[0]?.plan).toEqual(most);
    expect(path.at(-1)).toMatchObject({ plan: new Map(), loss: 0 });
    expect(path.length).toBeGreaterThan(2);
    for (const [index, { plan, loss, parameters, macs }] of path.entries()) {
      expect(() => checkWiring(network, plan)).not.toThrow();
      for (const group of plan.keys()) expect(isOwnRead(network, plan, group)).toBe(true);
      expect({ parameters, macs }).toEqual(planSize(network, plan));
      if (index > 0) expect(loss).toBeLessThan(path[index - 1]?.loss ?? 0);
    }
  });

  test('planWithin() takes the plan of least loss that keeps to it, and refuses what no plan does', () => {
    const { network } = surveyed;
    const path = pathOf(surveyed, 'parameters');
    const separate = planSize(network, new Map()).parameters;
    const chosen = planWithin(network, path, limitOf(network, { of: 'parameters', atMost: 0.8 }, 'float32'));
    expect(chosen.parameters).toBeLessThanOrEqual(0.8 * separate);
    for (const { parameters, loss } of path)
      if (parameters <= 0.8 * separate) expect(loss).toBeGreaterThanOrEqual(chosen.loss);
    expect(planWithin(network, path, { saving: 'parameters', atMost: separate }).plan.size).toBe(0);
    expect(() => planWithin(network, path, limitOf(network, { of: 'macs', atMost: 0.2 }, 'float32'))).toThrow(
      /Cannot keep to 20.0 % of the separate networks' macs: sharing all that can be shared leaves \d/,
    );
  });
});

describe('limitOf', () => {
  test('a heap is as many parameters as ONNX Runtime holds in it, as they are stored', () => {
    const network = joined([convNet(1), convNet(2)], 'one-way');
    const heap = (atMostBytes: number) => ({ of: 'heap', atMostBytes }) as const;
    const { saving, atMost } = limitOf(network, heap(26 * 2 ** 20), 'float32');
    expect(saving).toBe('parameters');
    expect(estimateHeapBytes(4 * atMost)).toBeLessThanOrEqual(26 * 2 ** 20);
    expect(estimateHeapBytes(4 * (atMost + 1))).toBeGreaterThan(26 * 2 ** 20 - 8);
    expect(limitOf(network, heap(26 * 2 ** 20), 'int8').atMost).toBeGreaterThan(3.9 * atMost);
    expect(limitOf(network, heap(26 * 2 ** 20), 'float16').atMost).toBeLessThan(atMost);
    expect(() => limitOf(network, heap(2 ** 20), 'float32')).toThrow(
      'Cannot keep to a heap of 1048576 bytes: 15728640 are needed before any layer',
    );
  });
});

test('what stays whole in the heads is counted apart, and takes its place in a heap', () => {
  const graphs = [1, 2].map((seed) => {
    const net = new NetBuilder('net', seed);
    const hidden = net.relu(net.dense('fc1', net.input([6]), 5));
    // No layer is read beyond a softmax.
    return net.end(net.dense('fc2', net.act('Softmax', hidden), 3));
  });
  const network = joined(graphs, 'one-way');
  expect(tailParameters(network)).toBe(2 * (5 * 3 + 3));
  expect(tailParameters(network) + planSize(network, new Map()).parameters).toBe(
    graphs.reduce((sum, graph) => sum + countParameters(graph), 0),
  );
  const { atMost } = limitOf(network, { of: 'heap', atMostBytes: 16 * 2 ** 20 }, 'float32');
  expect(
    limitOf({ ...network, tails: [] }, { of: 'heap', atMostBytes: 16 * 2 ** 20 }, 'float32').atMost,
  ).toBe(atMost + tailParameters(network));
});

describe('dropLoss', () => {
  test('is an upper bound of what merging reports beyond the cost of the pairs', async () => {
    const network = joined([convNet(1), convNet(2)], 'one-way');
    const surveyed = await survey(network);
    const [conv1, conv2] = [groupNamed(network, 'conv1'), groupNamed(network, 'conv2')];
    const dropped = dropLoss(network, surveyed.pairings, surveyed.losses);
    expect(dropped(new Map([[conv1, 4]]))).toBe(0);
    // Half of conv1 apart, all of conv2 shared: merged for real, the cost beyond that of the pairs is below the bound.
    const plan = new Map([
      [conv1, 2],
      [conv2, 5],
    ]);
    const all = new Map([
      [conv1, 4],
      [conv2, 5],
    ]);
    const costOf = async (counts: Plan): Promise<number> => {
      let merged = network;
      let cost = 0;
      for (const [group, count] of counts) {
        const pairing = surveyed.pairings.get(group);
        const order = [...(pairing?.costs.keys() ?? [])].sort(
          (a, b) => (pairing?.costs[a] ?? 0) - (pairing?.costs[b] ?? 0),
        );
        const [forming] = pairing?.formings ?? [];
        if (!forming) throw new Error('no pairs');
        const pairs = order.slice(0, count).flatMap((index) => forming.pairs[index] ?? []);
        merged = formBlocks(merged, { ...forming, pairs });
      }
      for (const name of ['conv1', 'conv2']) {
        const step = weightedSteps(merged).find((each) => each.name === name);
        if (!step) throw new Error('no step');
        const after = await mergeStep(merged, step, surveyed.grams.get(name) ?? []);
        merged = after.network;
        cost += after.cost;
      }
      return cost;
    };
    expect(dropped(plan)).toBeGreaterThan(0);
    const [least, most] = [await costOf(all), await costOf(plan)];
    expect(most).toBeGreaterThan(least);
    expect(most - least).toBeLessThan(dropped(plan));
  });

  test('is nothing for other wirings', async () => {
    const surveyed = await survey(joined([convNet(1), convNet(2)], 'crossed'));
    const dropped = dropLoss(surveyed.network, surveyed.pairings, surveyed.losses);
    expect(dropped(new Map([[groupNamed(surveyed.network, 'conv2'), 5]]))).toBe(0);
  });
});

test('planPath() of a prefix gives up one layer after the other, the last first', async () => {
  const surveyed = await survey(joined([convNet(1), convNet(2)], 'prefix'));
  for (const saving of ['parameters', 'macs'] as const) {
    const groups = pathOf(surveyed, saving).map(({ plan }) => [...plan.keys()]);
    expect(groups.length).toBe(surveyed.most.size + 1);
    for (const [index, kept] of groups.entries())
      expect(kept).toEqual([...surveyed.most.keys()].slice(0, surveyed.most.size - index));
  }
});
