import { describe, expect, test } from 'vitest';
import type { Recipe, Wiring } from '../../../shared/recipe.ts';
import { planByHand } from '../../../gpu-runner/mtz/plan.ts';
import { convNet, type Widths } from './nets.ts';
import { joined } from './networks.ts';

const plan = (wiring: Wiring, share: Recipe['share'], other: Widths = {}): Record<string, number> => {
  const network = joined([convNet(1), convNet(2, other)], wiring);
  const counts = [...planByHand(network, share)];
  return Object.fromEntries(
    counts.map(([group, count]) => [network.topology.groups[group]?.name ?? '', count]),
  );
};

describe('planByHand', () => {
  test('planByHand() takes a fraction of the narrower net, layer by layer', () => {
    expect(plan('crossed', { share: 1 })).toEqual({ conv1: 4, conv2: 5, fc1: 7 });
    expect(plan('one-way', { share: 0.5 }, { conv1: 8, conv2: 3 })).toEqual({ conv1: 2, conv2: 2, fc1: 4 });
    expect(plan('crossed', { share: 0 })).toEqual({});
  });

  test('planByHand() takes counts and fractions by layer, and nothing for layers left out', () => {
    expect(plan('crossed', { conv1: { count: 3 }, fc1: { share: 1 } })).toEqual({ conv1: 3, fc1: 7 });
    expect(plan('crossed', {})).toEqual({});
  });

  test('planByHand() of a prefix shares whole layers from the input on', () => {
    expect(plan('prefix', { conv1: { share: 1 }, conv2: { count: 5 } }, { fc1: 9 })).toEqual({
      conv1: 4,
      conv2: 5,
    });
  });

  test.each<[string, Wiring, Recipe['share'], Widths, string]>([
    [
      'an unknown layer',
      'crossed',
      { conv9: { count: 1 } },
      {},
      'Cannot share conv9: the groups that can be shared are conv1, conv2, fc1',
    ],
    [
      'an unknown layer named like a method',
      'crossed',
      { toString: { count: 1 } },
      {},
      'Cannot share toString',
    ],
    ['the last layer', 'crossed', { fc2: { count: 1 } }, {}, 'Cannot share fc2: '],
    [
      'more channels than there are',
      'crossed',
      { conv2: { count: 4 } },
      { conv2: 3 },
      'Cannot share 4 channels of conv2: the narrowest network has 3',
    ],
    [
      'a one-way layer above one that shares nothing',
      'one-way',
      { conv2: { count: 1 } },
      {},
      'Cannot share 1 channels of conv2 one-way: conv1, which conv2 reads, shares no channel that it could read',
    ],
    [
      'part of a layer as a prefix',
      'prefix',
      { share: 0.5 },
      {},
      'Cannot share 2 channels of conv1: a prefix shares whole layers, and "digit" has 4, "fashion" has 4',
    ],
    [
      'a prefix of unequal widths',
      'prefix',
      { share: 1 },
      { conv2: 6 },
      'Cannot share 5 channels of conv2: a prefix shares whole layers, and "digit" has 5, "fashion" has 6',
    ],
    [
      'a prefix with a gap',
      'prefix',
      { conv1: { share: 1 }, fc1: { share: 1 } },
      {},
      'Cannot share 7 channels of fc1: a prefix is shared from the input on, and conv2, which fc1 reads, is not',
    ],
  ])('planByHand() refuses %s', (_, wiring, share, other, message) => {
    expect(() => plan(wiring, share, other)).toThrow(message);
  });
});
