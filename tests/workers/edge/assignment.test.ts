import { describe, expect, test } from 'vitest';
import type { UnitSource } from '../../../shared/experiment.ts';
import { placeAddressed, placeRequest, unitOf } from '../../../workers/edge/assignment.ts';
import { routed } from './experiments.ts';

const asking = (headers: Record<string, string> = {}, search = ''): Request =>
  new Request(`https://edge.example/v2/models/pair/infer${search}`, { headers });
const from = (unit: string): Request => asking({ 'x-unit': unit });
const units = Array.from({ length: 2_000 }, (_, i) => `unit-${i}`);

describe('unitOf()', () => {
  const cases: [string, UnitSource['from'], Request, string | null][] = [
    ['a header', 'header', asking({ 'X-Unit': 'ann' }), 'ann'],
    ['a header that is missing', 'header', asking(), null],
    ['a header that is empty', 'header', asking({ 'x-unit': '' }), null],
    ['a parameter', 'query', asking({}, '?a=1&x-unit=ann%20b&x-unit=bob'), 'ann b'],
    ['a parameter that is missing', 'query', asking({}, '?unit=ann'), null],
    ['a parameter that is empty', 'query', asking({}, '?x-unit='), null],
    ['a cookie', 'cookie', asking({ cookie: 'y=1; x-unit=ann%20b; z=2' }), 'ann b'],
    ['a cookie whose name ends the same', 'cookie', asking({ cookie: 'my-x-unit=ann' }), null],
    ['a cookie when there is none', 'cookie', asking(), null],
    ['another place than the request uses', 'cookie', asking({ 'x-unit': 'ann' }, '?x-unit=ann'), null],
  ];
  test.each(cases)('reads %s', (_, place, request, unit) => {
    expect(unitOf(request, { from: place, name: 'x-unit' })).toBe(unit);
  });
});

describe('placeRequest()', () => {
  test('places nobody on an endpoint without experiments', () => {
    expect(placeRequest([], from('ann'))).toBe(null);
  });

  test('keeps a unit in its arm for as long as the revision stands, however coverage grows', () => {
    const covered = (coverage: number, revision = 1) =>
      units.map((unit) => placeRequest([routed({ coverage, revision })], from(unit)));
    const [tenth, all, redrawn] = [covered(0.1), covered(1), covered(1, 2)];
    const assigned = tenth.flatMap((placement, i) => (placement?.reason === 'assigned' ? [i] : []));
    expect(assigned.length).toBeGreaterThan(100);
    expect(assigned.map((i) => all[i]?.arm.name)).toEqual(assigned.map((i) => tenth[i]?.arm.name));
    const moved = units.filter((_, i) => all[i]?.arm.name !== redrawn[i]?.arm.name);
    // Half of them, within five standard deviations.
    expect(Math.abs(moved.length - 1000)).toBeLessThan(112);
  });

  test('gives requests without a unit the default arm, counted apart', () => {
    expect(placeRequest([routed({ defaultArm: 'merged' })], asking())).toMatchObject({
      arm: { name: 'merged' },
      reason: 'no-unit',
      unit: null,
    });
  });

  test('takes the experiment of the layer that the unit belongs to, and one at most', () => {
    const low = routed({ experiment: 'low', layer: { name: 'nets', start: 0, end: 3000 } });
    const high = routed({ experiment: 'high', layer: { name: 'nets', start: 3000, end: 10_000 } });
    const placed = units.map((unit) => placeRequest([low, high], from(unit)));
    expect(new Set(placed.map((one) => one?.reason))).toEqual(new Set(['assigned']));
    const inLow = placed.filter((one) => one?.experiment.experiment === 'low');
    expect(Math.abs(inLow.length - 600)).toBeLessThan(103);
    expect(units.map((unit) => placeRequest([high, low], from(unit))?.experiment.experiment)).toEqual(
      placed.map((one) => one?.experiment.experiment),
    );
  });

  test('prefers the first experiment that assigns, and falls back to the default of the first', () => {
    const first = routed({ experiment: 'first', coverage: 0.3 });
    const second = routed({ experiment: 'second', coverage: 0.5, defaultArm: 'merged' });
    for (const unit of units.slice(0, 300)) {
      const [one, other] = [placeRequest([first], from(unit)), placeRequest([second], from(unit))];
      const both = placeRequest([first, second], from(unit));
      if (one?.reason !== 'assigned' && other?.reason === 'assigned') expect(both).toEqual(other);
      else expect(both).toEqual(one);
    }
  });
});

describe('placeAddressed()', () => {
  test('reaches an arm of weight 0, which no unit gets', () => {
    const experiment = routed();
    const arms = experiment.arms.map((arm) => ({ ...arm, weight: arm.name === 'merged' ? 0 : 10_000 }));
    const dark = routed({ arms });
    expect(units.some((unit) => placeRequest([dark], from(unit))?.arm.name === 'merged')).toBe(false);
    expect(placeAddressed([dark], 'merged-or-not/merged', from('ann'))).toMatchObject({
      arm: { name: 'merged' },
      reason: 'addressed',
      unit: 'ann',
    });
  });

  test('refuses an arm that does not run, and says which do', () => {
    for (const address of ['merged', 'merged-or-not/ghost', 'other/merged', '']) {
      expect(() => placeAddressed([routed()], address, asking())).toThrow(
        `Unknown arm "${address}": those running here are merged-or-not/separate, merged-or-not/merged`,
      );
    }
    expect(() => placeAddressed([], 'a/b', asking())).toThrow('those running here are none');
  });
});
