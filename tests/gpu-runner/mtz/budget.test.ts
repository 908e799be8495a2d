import { estimateHeapBytes } from '../../../shared/heap.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  checkBudget,
  limitOf,
  planPath,
  planWithin,
  thinCurve,
  type PlanPoint,
} from '../../../gpu-runner/mtz/budget.ts';
import { countMacs, countParameters } from '../../../gpu-runner/mtz/count.ts';
import { layerLosses, type LayerLosses } from '../../../gpu-runner/mtz/layerLosses.ts';
import { weightedSteps, type Network } from '../../../gpu-runner/mtz/network.ts';
import { checkWiring, planByHand, type Plan } from '../../../gpu-runner/mtz/plan.ts';
import { planSize, PlanSizer, tailsSize } from '../../../gpu-runner/mtz/planSize.ts';
import { predictLoss } from '../../../gpu-runner/mtz/predictLoss.ts';
import type { StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { pairAll } from '../../../gpu-runner/mtz/survey.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
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
        const best = planWithin(path, { saving, atMost });
        expect(best.loss).toBeLessThanOrEqual(lossOf(plan));
      }
    }
  });

  test('planWithin() takes the plan of least loss that keeps to it, and refuses what no plan does', () => {
    const { network } = surveyed;
    const path = pathOf(surveyed, 'parameters');
    const separate = planSize(network, new Map()).parameters;
    const chosen = planWithin(path, limitOf(network, { of: 'parameters', atMost: 0.8 }, 'float32'));
    expect(chosen.parameters).toBeLessThanOrEqual(0.8 * separate);
    for (const { parameters, loss } of path)
      if (parameters <= 0.8 * separate) expect(loss).toBeGreaterThanOrEqual(chosen.loss);
    expect(planWithin(path, { saving: 'parameters', atMost: separate }).plan.size).toBe(0);
    const least = planSize(network, surveyed.most).macs;
    expect(() => planWithin(path, { saving: 'macs', atMost: least - 1 })).toThrow(
      `Cannot keep to ${least - 1} macs: none of ${path.length} plans does`,
    );
  });

  test('checkBudget() refuses just what no plan on the path keeps, and says what the least is', () => {
    const { network, most } = surveyed;
    for (const of of ['parameters', 'macs'] as const) {
      const separate = planSize(network, new Map())[of];
      const least = Math.min(...pathOf(surveyed, of).map((point) => point[of]));
      const check = (atMost: number) => () => checkBudget(network, most, { of, atMost }, 'float32');
      expect(check((least + 0.5) / separate)).not.toThrow();
      expect(check((least - 0.5) / separate)).toThrow(
        `of the separate networks' ${of === 'macs' ? 'multiply-adds' : 'parameters'}: sharing all that can be shared leaves ${((100 * least) / separate).toFixed(1)} %`,
      );
    }
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
    const most = planByHand(network, { share: 1 });
    const least = estimateHeapBytes(4 * planSize(network, most).parameters);
    expect(() => checkBudget(network, most, heap(least), 'float32')).not.toThrow();
    expect(() => checkBudget(network, most, heap(2 ** 20), 'float32')).toThrow(
      `Cannot keep to a heap of 1048576 bytes at the edge, weights stored as float32: sharing all that can be shared leaves ${least}`,
    );
  });

  test('bytes are as many parameters as are stored in them', () => {
    const network = joined([convNet(1), convNet(2)], 'one-way');
    const bytes = { of: 'bytes', atMostBytes: 1000 } as const;
    expect(limitOf(network, bytes, 'float32')).toEqual({ saving: 'parameters', atMost: 250 });
    expect(limitOf(network, bytes, 'float16').atMost).toBe(500);
    expect(limitOf(network, bytes, 'int8').atMost).toBe(1000);
    const most = planByHand(network, { share: 1 });
    const least = 2 * planSize(network, most).parameters;
    expect(() => checkBudget(network, most, { of: 'bytes', atMostBytes: least }, 'float16')).not.toThrow();
    expect(() => checkBudget(network, most, { of: 'bytes', atMostBytes: least - 1 }, 'float16')).toThrow(
      `Cannot keep to ${least - 1} bytes of weights stored as float16: sharing all that can be shared leaves ${least}`,
    );
  });
});

describe('of networks that part', () => {
  const graphs = [1, 2].map((seed) => {
    const net = new NetBuilder('net', seed);
    const hidden = net.relu(net.dense('fc1', net.input([6]), 5));
    // No layer is read beyond a softmax.
    return net.end(net.dense('fc2', net.act('Softmax', hidden), 3));
  });
  const network = joined(graphs, 'one-way');

  test('what stays whole in the heads is counted on both sides', () => {
    expect(tailsSize(network)).toEqual({ parameters: 2 * (5 * 3 + 3), macs: 2 * 5 * 3 });
    const total = (count: (graph: Graph) => number) => graphs.reduce((sum, graph) => sum + count(graph), 0);
    const separate = planSize(network, new Map());
    expect(separate).toEqual({ parameters: total(countParameters), macs: total(countMacs) });
    const shared = planSize(network, planByHand(network, { share: 1 }));
    expect(shared).toEqual({
      parameters: separate.parameters - (6 * 5 + 5),
      macs: separate.macs - 6 * 5,
    });
  });

  test('a budget that only sharing the heads would keep is refused', () => {
    const most = planByHand(network, { share: 1 });
    // 71 of 106 parameters are left, of the shared layers alone 35 of 70.
    expect(() => checkBudget(network, most, { of: 'parameters', atMost: 0.6 }, 'float32')).toThrow(
      "Cannot keep to 60.0 % of the separate networks' parameters: sharing all that can be shared leaves 67.0 %",
    );
    const heap = { of: 'heap', atMostBytes: estimateHeapBytes(4 * 70) } as const;
    expect(() => checkBudget(network, most, heap, 'float32')).toThrow('Cannot keep to a heap of');
  });
});

test('thinCurve() keeps the ends of a curve and points evenly between them', () => {
  const point = (parameters: number): PlanPoint => ({ parameters, macs: 0, loss: 0, plan: new Map() });
  const curve = Array.from({ length: 1001 }, (_, index) => point(index));
  expect(thinCurve(curve.slice(0, 400))).toEqual(curve.slice(0, 400));
  expect(thinCurve(curve).length).toBe(400);
  expect(thinCurve(curve, 5).map(({ parameters }) => parameters)).toEqual([0, 250, 500, 750, 1000]);
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
