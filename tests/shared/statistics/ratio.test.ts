import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { fractionOf, mergeRatios, noRatio, ratioOf, ratioSumsOf } from '../../../shared/statistics/ratio.ts';

/** Variance of one unit's contribution by leaving each unit out in turn: knows nothing of the delta method. */
function jackknife(pairs: readonly (readonly [number, number])[]): number {
  const left = pairs.map((_, out) => {
    const rest = pairs.filter((_pair, i) => i !== out);
    return rest.reduce((sum, [x]) => sum + x, 0) / rest.reduce((sum, [, y]) => sum + y, 0);
  });
  const mean = left.reduce((sum, value) => sum + value, 0) / left.length;
  return (pairs.length - 1) * left.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/** Units that make 1 to 5 requests of their own speed each. */
const latencies = (units: number, random: Random): [number, number][] =>
  Array.from({ length: units }, () => {
    const requests = 1 + random.integer(5);
    return [requests * Math.exp(random.normal()), requests];
  });

test('a ratio over one request a unit is the mean', () => {
  const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(values, (xs) => {
      const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
      const variance = xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (xs.length - 1);
      const ratio = ratioOf(ratioSumsOf(xs.map((x) => [x, 1])));
      expect(ratio.value).toBeCloseTo(mean, 9);
      expect(Math.abs(ratio.variance - variance)).toBeLessThan(1e-8 * (1 + 100 ** 2));
    }),
  );
});

test("the delta method's variance agrees with the jackknife's", () => {
  const pairs = latencies(800, new Random(3));
  const { value, variance } = ratioOf(ratioSumsOf(pairs));
  expect(value).toBeCloseTo(pairs.reduce((s, [x]) => s + x, 0) / pairs.reduce((s, [, y]) => s + y, 0), 12);
  expect(Math.abs((variance * pairs.length) / jackknife(pairs) / pairs.length - 1)).toBeLessThan(0.02);
});

test('ratios do not depend on the unit of either side', () => {
  const pairs = latencies(50, new Random(4));
  const one = ratioOf(ratioSumsOf(pairs));
  const scaled = ratioOf(ratioSumsOf(pairs.map(([x, y]) => [1000 * x, 10 * y])));
  expect(scaled.value / one.value).toBeCloseTo(100, 9);
  expect(scaled.variance / one.variance).toBeCloseTo(1e4, 5);
});

test('ratio sums merge in any split', () => {
  const pair = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 30 }), fc.nat(30), (pairs, cut) => {
      const merged = mergeRatios(ratioSumsOf(pairs.slice(0, cut)), ratioSumsOf(pairs.slice(cut)));
      expect(merged).toEqual(ratioSumsOf(pairs));
    }),
  );
});

test('an arm that never erred still has a variance, which fades with its units', () => {
  const variance = (units: number): number =>
    fractionOf(ratioSumsOf(Array.from({ length: units }, () => [0, 1]))).variance;
  expect(variance(100)).toBeCloseTo(2 / 99, 10);
  expect(variance(1000)).toBeCloseTo(2 / 999, 10);
  expect(fractionOf(ratioSumsOf(Array.from({ length: 100 }, () => [0, 1]))).value).toBe(0);
});

test('fractionOf() hardly differs from ratioOf() where nothing is rare', () => {
  const random = new Random(5);
  const sums = ratioSumsOf(Array.from({ length: 2000 }, () => [random.integer(2), 1]));
  expect(fractionOf(sums).value).toBe(ratioOf(sums).value);
  expect(fractionOf(sums).variance / ratioOf(sums).variance).toBeCloseTo(1, 2);
});

test('no units, one unit or no requests tell nothing', () => {
  for (const sums of [
    noRatio,
    ratioSumsOf([[1, 1]]),
    ratioSumsOf([
      [0, 0],
      [0, 0],
    ]),
  ]) {
    expect(ratioOf(sums).variance).toBe(Infinity);
    expect(fractionOf(sums).variance).toBe(Infinity);
  }
});

test('ratios refuse negative denominators, infinite numbers and fractions above 1', () => {
  expect(() => ratioSumsOf([[1, -1]])).toThrow('denominator is -1');
  expect(() => ratioSumsOf([[NaN, 1]])).toThrow('not a finite number');
  expect(() => fractionOf(ratioSumsOf([[3, 2]]))).toThrow('Cannot take 3 of 2 as a fraction');
});
