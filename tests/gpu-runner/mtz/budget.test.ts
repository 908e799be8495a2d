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
import { layerLosses, type LayerLosses } from '../../../gpu-runner/mtz/layerLosses.ts';
import { weightedSteps, type Network } from '../../../gpu-runner/mtz/network.ts';
import { checkWiring, planByHand, type Plan } from '../../../gpu-runner/mtz/plan.ts';
import { planSize, PlanSizer } from '../../../gpu-runner/mtz/planSize.ts';
import { predictLoss } from '../../../gpu-runner/mtz/predictLoss.ts';
import type { StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { pairAll } from '../../../gpu-runner/mtz/survey.ts';
import { convNet } from './nets.ts';
import { gramsOf, joined } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { resnet } from './nets/resnet.ts';

interface Surveyed {
  readonly network: Network;
  readonly most: Plan;
  readonly lossOf: (plan: Plan) => number;
}

async function survey(network: Network): Promise<Surveyed> {
  const grams = new Map<string, StepGram[]>();
  for (const step of weightedSteps(network)) grams.set(step.name, await gramsOf(network, step));
  const most = planByHand(network, { share: 1 });
  const pairings = await pairAll(
    network,
    { of: (step) => Promise.resolve(grams.get(step.name) ?? []), release: () => undefined },
    { matching: 'optimal', seed: 1 },
    (group) => most.get(group) ?? 0,
  );
  const layers = new Map<string, LayerLosses>();
  for (const step of weightedSteps(network)) {
    if (step.kind !== 'layer') continue;
    layers.set(step.name, await layerLosses(network, step, grams.get(step.name) ?? [], pairings));
  }
  return { network, most, lossOf: predictLoss(network, pairings, layers) };
}

const pathOf = ({ network, most, lossOf }: Surveyed, saving: 'parameters' | 'macs'): PlanPoint[] =>
  planPath(network, most, saving, lossOf);

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
      for (const group of plan.keys()) expect(new PlanSizer(network).isOwnRead(plan, group)).toBe(true);
      expect({ parameters, macs }).toEqual(planSize(network, plan));
      if (index > 0) expect(loss).toBeLessThan(path[index - 1]?.loss ?? 0);
    }
  });

  test('no plan that shares the same part of every group is both smaller and better', () => {
    const { network, most, lossOf } = surveyed;
    for (const saving of ['parameters', 'macs'] as const) {
      const path = pathOf(surveyed, saving);
      for (const part of wiring === 'prefix' ? [1] : [1 / 4, 1 / 2, 3 / 4, 1]) {
        const plan = new Map([...most].map(([group, count]) => [group, Math.round(part * count)]));
        const atMost = planSize(network, plan)[saving];
        const best = planWithin(network, path, { saving, atMost });
        expect(best.loss).toBeLessThanOrEqual(lossOf(plan));
      }
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

test('planPath() of a prefix gives up one layer after the other, the last first', async () => {
  const surveyed = await survey(joined([convNet(1), convNet(2)], 'prefix'));
  for (const saving of ['parameters', 'macs'] as const) {
    const groups = pathOf(surveyed, saving).map(({ plan }) => [...plan.keys()]);
    expect(groups.length).toBe(surveyed.most.size + 1);
    for (const [index, kept] of groups.entries())
      expect(kept).toEqual([...surveyed.most.keys()].slice(0, surveyed.most.size - index));
  }
});
