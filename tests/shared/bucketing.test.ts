import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  armNamed,
  assign,
  fnv1a32,
  shadowArm,
  slotOf,
  slotRanges,
  stickyKey,
} from '../../shared/bucketing.ts';
import { published, type ExperimentInput, type PublishedExperiment } from '../../shared/experiment.ts';
import { experimentOf } from './experiments.ts';

const publishedOf = (change: Partial<ExperimentInput> = {}): PublishedExperiment => {
  const form = published(experimentOf(change));
  if (!form) throw new Error('running');
  return form;
};
const units = Array.from({ length: 20_000 }, (_, i) => `unit-${i}`);

/** Splits 10,000 slots at the given cuts. */
const weightsAt = (cuts: number[]): number[] => {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), 10_000];
  return edges.slice(1).map((edge, i) => edge - (edges[i] ?? 0));
};
const weights = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 5 }).map(weightsAt);
const coverage = fc.double({ min: 0, max: 1, noNaN: true });

test('fnv1a32() gives the published digests', () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  expect(fnv1a32('')).toBe(0x811c9dc5);
  expect(fnv1a32('a')).toBe(0xe40c292c);
  expect(fnv1a32('foobar')).toBe(0xbf9cf968);
});

test('fnv1a32() agrees with 64-bit integers over the UTF-8 bytes of any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let hash = 0x811c9dc5n;
      for (const byte of Buffer.from(text, 'utf8')) {
        hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n;
      }
      expect(fnv1a32(text)).toBe(Number(hash));
    }),
  );
});

test('slotOf() gives the published vectors of the hash', () => {
  for (const [seed, unit, place] of [
    ['seed', 'a', 0.0505],
    ['seed', 'b', 0.2696],
    ['foo', 'ab', 0.2575],
    ['foo', 'def', 0.2019],
    ['89123klj', '8952klfjas09ujkasdf', 0.124],
    ['90850943850283058242805', '123', 0.7516],
  ] as const) {
    expect(slotOf(seed, unit) / 10_000).toBe(place);
  }
});

test('slotRanges() never overlap, stay inside their arm and are whole at full coverage', () => {
  fc.assert(
    fc.property(weights, coverage, (arms, share) => {
      let start = 0;
      for (const [i, range] of slotRanges(arms, share).entries()) {
        const weight = arms[i] ?? 0;
        expect(range.start).toBe(start);
        expect(Math.abs(range.end - start - share * weight)).toBeLessThanOrEqual(0.5);
        start += weight;
      }
      const sizes = slotRanges(arms, 1).map((range) => range.end - range.start);
      expect(sizes).toEqual(arms);
    }),
  );
});

test('lowering coverage only shrinks ranges and raising it only grows them', () => {
  fc.assert(
    fc.property(weights, coverage, coverage, (arms, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const wide = slotRanges(arms, high);
      for (const [i, narrow] of slotRanges(arms, low).entries()) {
        expect(narrow.start).toBe(wide[i]?.start);
        expect(narrow.end).toBeLessThanOrEqual(wide[i]?.end ?? -1);
      }
    }),
  );
});

test('slotRanges() refuses weights and coverage that are out of range', () => {
  expect(() => slotRanges([5000, 4999], 1)).toThrow('must be whole and sum to 10000');
  expect(() => slotRanges([10_001, -1], 1)).toThrow(RangeError);
  expect(() => slotRanges([4999.5, 5000.5], 1)).toThrow(RangeError);
  expect(() => slotRanges([5000, 5000], 1.01)).toThrow('coverage is 1.01');
  expect(() => slotRanges([5000, 5000], NaN)).toThrow(RangeError);
});

test('a ramp moves no assigned unit: arms only gain units', () => {
  let before = new Map<string, string>();
  for (const share of [0.01, 0.05, 0.1, 0.25, 0.5, 1]) {
    const experiment = publishedOf({ coverage: share });
    const assigned = new Map<string, string>();
    for (const unit of units) {
      const { arm, reason } = assign(experiment, unit);
      if (reason === 'assigned') assigned.set(unit, arm.name);
    }
    for (const [unit, arm] of before) expect(assigned.get(unit)).toBe(arm);
    expect(assigned.size).toBeGreaterThan(before.size);
    before = assigned;
  }
  expect(before.size).toBe(units.length);
});

test('assign() splits units as the weights say', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  const experiment = publishedOf({
    arms: [
      { ...separate, weight: 7000 },
      { ...merged, weight: 3000 },
      { ...merged, name: 'dark', weight: 0 },
    ],
  });
  const counts = new Map<string, number>();
  for (const unit of units) {
    const { name } = assign(experiment, unit).arm;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // Five standard deviations of a binomial count: sqrt(20,000 * 0.3 * 0.7) = 65.
  expect(Math.abs((counts.get('merged') ?? 0) - 6000)).toBeLessThan(325);
  expect(counts.has('dark')).toBe(false);
});

test('a new revision draws units anew, independently of the old one', () => {
  const [first, second] = [publishedOf(), publishedOf({ revision: 2 })];
  const same = units.filter((unit) => assign(first, unit).arm.name === assign(second, unit).arm.name);
  expect(Math.abs(same.length - 10_000)).toBeLessThan(354);
});

test('requests without a unit get the default arm and say so', () => {
  const experiment = publishedOf({ defaultArm: 'merged' });
  for (const unit of [null, '']) {
    const { arm, reason } = assign(experiment, unit);
    expect([arm.name, reason]).toEqual(['merged', 'no-unit']);
  }
  const { arm, reason } = assign(publishedOf({ coverage: 0 }), 'someone');
  expect([arm.name, reason]).toEqual(['separate', 'not-covered']);
});

test('experiments of one layer never share a unit, and arms are independent of the layer', () => {
  const low = publishedOf({ layer: { name: 'ui', start: 0, end: 4000 } });
  const high = publishedOf({ experiment: 'other', layer: { name: 'ui', start: 4000, end: 10_000 } });
  let mergedInLow = 0;
  let inLow = 0;
  for (const unit of units) {
    const [a, b] = [assign(low, unit), assign(high, unit)];
    expect([a.reason, b.reason].toSorted()).toEqual(['assigned', 'other-experiment']);
    if (a.reason !== 'assigned') continue;
    inLow += 1;
    if (a.arm.name === 'merged') mergedInLow += 1;
  }
  expect(Math.abs(inLow - 8000)).toBeLessThan(350);
  expect(Math.abs(mergedInLow - inLow / 2)).toBeLessThan(225);
});

test('stickyKey() differs whenever experiment, revision or unit do', () => {
  const unit = fc.string({ maxLength: 8 });
  const id = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,3}$/);
  fc.assert(
    fc.property(fc.tuple(id, fc.nat(20), unit), fc.tuple(id, fc.nat(20), unit), (a, b) => {
      expect(stickyKey(...a) === stickyKey(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

test('shadowArm() picks the other arm for the stated fraction of requests', () => {
  const experiment = publishedOf({ shadow: { share: 0.1, arm: 'merged' } });
  const other = (served: string) => units.map((id) => shadowArm(experiment, served, id)?.name);
  const besideSeparate = other('separate').filter((name) => name !== undefined);
  expect(new Set(besideSeparate)).toEqual(new Set(['merged']));
  expect(Math.abs(besideSeparate.length - 2000)).toBeLessThan(215);
  expect(new Set(other('merged'))).toEqual(new Set(['separate', undefined]));
  expect(shadowArm(publishedOf(), 'separate', 'request')).toBe(null);
  const itself = publishedOf({ shadow: { share: 1, arm: 'separate' } });
  expect(shadowArm(itself, 'separate', 'request')).toBe(null);
});

test('armNamed() refuses an arm that is not there', () => {
  expect(armNamed(publishedOf(), 'merged').name).toBe('merged');
  expect(() => armNamed(publishedOf(), 'ghost')).toThrow('Cannot find arm "ghost"');
});
