import { describe, expect, test } from 'vitest';
import type { Wiring } from '../../../shared/recipe.ts';
import type { InputLosses, LayerLosses } from '../../../gpu-runner/mtz/layerLosses.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import type { Plan } from '../../../gpu-runner/mtz/plan.ts';
import { predictLoss } from '../../../gpu-runner/mtz/predictLoss.ts';
import { denseNet } from './nets.ts';
import { groupNamed, joined } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';

const reads = (losses: Partial<InputLosses> = {}): InputLosses => ({
  ...{ weight: 1, withoutShared: [], withoutOwn: [] },
  ...losses,
});

/** Two networks of hidden layers of 4 channels whose pairs cost what is given, as parts of their layer's spread. */
function predictor(
  network: Network,
  costs: Readonly<Record<string, readonly number[]>>,
  inputs: Readonly<Record<string, readonly InputLosses[]>>,
): (counts: Readonly<Record<string, number>>) => number {
  const layers = new Map<string, LayerLosses>(
    Object.entries(inputs).map(([name, each]) => [name, { spread: 2, inputs: each }]),
  );
  const pairings = new Map(
    Object.entries(costs).map(([name, each]) => [
      groupNamed(network, name),
      { formings: [], costs: each.map((cost) => 2 * cost) },
    ]),
  );
  const lossOf = predictLoss(network, pairings, layers);
  return (counts) => {
    const plan: Plan = new Map(
      Object.entries(counts).map(([name, count]) => [groupNamed(network, name), count]),
    );
    return lossOf(plan);
  };
}

const chain = (wiring: Wiring, costs = [0.01, 0.01, 0.02, 0.04]) => {
  const nets = [1, 2].map((seed) => denseNet(seed, { fc1: 4, fc2: 4 }));
  return predictor(
    joined(nets, wiring),
    { fc1: costs, fc2: [0.01, 0.02, 0.03, 0.04] },
    {
      fc1: [reads()],
      fc2: [reads({ withoutShared: [0, 0.01, 0.1, 0.3, 1], withoutOwn: [1, 0.3, 0.1, 0.01, 0] })],
      fc3: [reads({ withoutShared: [0, 0.02, 0.08, 0.2, 1], withoutOwn: [1, 0.2, 0.1, 0.02, 0] })],
    },
  );
};

describe('predictLoss', () => {
  test.each(['one-way', 'crossed', 'prefix'] as const)(
    '%s: adds up what everything shared costs',
    (wiring) => {
      const lossOf = chain(wiring);
      expect(lossOf({})).toBe(0);
      expect(lossOf({ fc1: 4 })).toBeCloseTo(0.08, 12);
      expect(lossOf({ fc1: 4, fc2: 4 })).toBeCloseTo(0.18, 12);
    },
  );

  test('what reads both kinds takes them as they are, or makes up for the shared ones: whichever is better', () => {
    // fc2's noise is 0.02 of what it varies by; without the shared half it would lose 0.1 of it.
    const noise = 0.02;
    expect(chain('crossed')({ fc1: 2 })).toBeCloseTo((noise * 0.1) / (noise + 0.1), 12);
    // Twice through: fc3 has what fc2's own channels are off by, and its own noise.
    const off = (noise * 0.1) / (noise + 0.1);
    const shared = 0.03 / 0.5 + off;
    const asTheyAre = 0.5 * shared + 0.5 * off;
    const madeUp = off + (0.5 * shared * 0.08) / (0.5 * shared + 0.08);
    expect(chain('crossed')({ fc1: 2, fc2: 2 })).toBeCloseTo(Math.min(asTheyAre, madeUp), 12);
    // However much its pairs cost: those that stay apart say as much as without them.
    const dear = chain('crossed', [100, 100, 100, 100]);
    expect(dear({ fc1: 2 })).toBeCloseTo(0.1, 3);
    expect(dear({ fc1: 4 })).toBe(400);
  });

  test('one-way, shared channels hand on what they are off by and lose what they no longer read', () => {
    const off = (0.02 * 0.1) / (0.02 + 0.1);
    const shared = 0.02 / 0.5 + 0.1 + 0.03 / 0.5;
    const asTheyAre = 0.5 * shared + 0.5 * off;
    const madeUp = off + (0.5 * shared * 0.08) / (0.5 * shared + 0.08);
    expect(chain('one-way')({ fc1: 2, fc2: 2 })).toBeCloseTo(Math.min(asTheyAre, madeUp), 12);
    // All channels of the second layer on few of the first: nothing is left to make up for it.
    expect(chain('one-way')({ fc1: 1, fc2: 4 })).toBeCloseTo(0.01 / 0.25 + 0.3 + 0.1, 12);
  });

  test('the terms of a sum weigh alike, factors add up, and what is put together stays apart', () => {
    const graphs = [1, 2].map((seed) => {
      const net = new NetBuilder('net', seed);
      const input = net.input([4, 4, 4]);
      const a = net.conv('a', input, 4);
      const b = net.conv('b', net.relu(a), 4);
      const c = net.conv('c', net.relu(net.both('Add', a, b)), 4);
      const gated = net.both('Mul', c, net.act('Sigmoid', net.conv('gate', input, 4)));
      const both = net.concat([gated, net.conv('d', input, 4)]);
      return net.end(net.dense('last', net.flatten(net.globalPool(both)), 3));
    });
    const network = joined(graphs, 'crossed');
    const lossOf = predictor(
      network,
      // 'a' and 'b' put out one group, 'c' and 'gate' another.
      { a: [0.1, 0.1, 0.1, 0.1], c: [0.02, 0.02, 0.02, 0.02], d: [0, 0, 0, 0.04] },
      {
        ...Object.fromEntries(['a', 'b', 'c', 'gate', 'd'].map((name) => [name, [reads()]])),
        last: [reads({ weight: 0.75 }), reads({ weight: 0.25 })],
      },
    );
    // Over the spread of both layers: 0.2 each. b adds to it what it reads.
    const sum = (0.2 + (0.2 + 0.2)) / 2;
    expect(lossOf({ a: 4 })).toBeCloseTo(0.75 * sum, 12);
    expect(lossOf({ c: 4 })).toBeCloseTo(0.75 * (0.04 + 0.04), 12);
    expect(lossOf({ d: 4 })).toBeCloseTo(0.25 * 0.04, 12);
    expect(lossOf({ a: 4, c: 4, d: 4 })).toBeCloseTo(0.75 * (sum + 0.08) + 0.25 * 0.04, 12);
  });

  test('where every task goes on by itself, what it goes on from counts', () => {
    const graphs = [1, 2].map((seed) => {
      const net = new NetBuilder('net', seed);
      const hidden = net.relu(net.dense('fc1', net.input([6]), 4));
      return net.end(net.dense('fc2', net.act('Softmax', hidden), 3));
    });
    const lossOf = predictor(joined(graphs, 'one-way'), { fc1: [0.1, 0.1, 0.1, 0.1] }, { fc1: [reads()] });
    expect(lossOf({ fc1: 4 })).toBeCloseTo(0.4, 12);
    expect(lossOf({ fc1: 1 })).toBeCloseTo(0.1, 12);
  });
});
