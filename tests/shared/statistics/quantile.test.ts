import { expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { quantileInterval, quantileLift, type Sketched } from '../../../shared/statistics/quantile.ts';

/** A "sketch" that keeps everything and rounds nothing. */
const exactly = (values: readonly number[], relativeAccuracy = 0): Sketched => {
  const sorted = values.toSorted((a, b) => a - b);
  const getValueAtQuantile = (quantile: number): number =>
    sorted[Math.round(quantile * (sorted.length - 1))] ?? NaN;
  return { sketch: { count: sorted.length, getValueAtQuantile }, units: sorted.length, relativeAccuracy };
};
const uniform = (count: number, seed: number, scale = 1): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => scale * random.uniform());
};

test('quantileInterval() holds the true quantile and narrows with the units', () => {
  for (const quantile of [0.5, 0.95]) {
    let before = Infinity;
    for (const count of [1000, 10_000, 100_000]) {
      const { value, low, high } = quantileInterval(exactly(uniform(count, 1)), quantile, 0.05, 5000);
      expect(low).toBeLessThan(quantile);
      expect(high).toBeGreaterThan(quantile);
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
      expect(high - low).toBeLessThan(before);
      before = high - low;
    }
  }
});

test('quantileInterval() rarely misses the median, at any of many looks', () => {
  const runs = 400;
  let missed = 0;
  for (let run = 0; run < runs; run++) {
    const values = uniform(1000, run);
    const looks = [60, 100, 200, 400, 700, 1000].map((count) =>
      quantileInterval(exactly(values.slice(0, count)), 0.5, 0.05, 5000),
    );
    if (looks.some(({ low, high }) => low > 0.5 || high < 0.5)) missed += 1;
  }
  // At a true rate of 5 % more than 40 of 400 have a chance below 1e-4.
  expect(missed).toBeLessThanOrEqual(40);
});

test("the sketch's own error widens the interval on both ends", () => {
  const values = uniform(5000, 2);
  const [exact, rough] = [0, 0.01].map((error) => quantileInterval(exactly(values, error), 0.9, 0.05, 5000));
  expect(rough?.low).toBeCloseTo((exact?.low ?? 0) / 1.01, 12);
  expect(rough?.high).toBeCloseTo((exact?.high ?? 0) / 0.99, 12);
});

test('a quantile too far out for its units is open on that side', () => {
  const { low, high } = quantileInterval(exactly(uniform(100, 3)), 0.99, 0.05, 5000);
  expect(high).toBe(Infinity);
  expect(low).toBeGreaterThan(0);
  expect(quantileInterval(exactly(uniform(49, 3)), 0.5, 0.05, 5000)).toMatchObject({
    low: 0,
    high: Infinity,
  });
});

test('more requests of the same units do not narrow the interval', () => {
  const values = uniform(500, 4);
  const once = exactly(values);
  const often = { ...exactly([...values, ...values, ...values]), units: 500 };
  const width = (sketched: Sketched): number => {
    const { low, high } = quantileInterval(sketched, 0.5, 0.05, 5000);
    return high - low;
  };
  expect(width(often)).toBeCloseTo(width(once), 1);
});

test('quantileLift() holds the true quotient and leaves it open where an arm is', () => {
  const { value, low, high } = quantileLift(
    exactly(uniform(20_000, 5, 0.6)),
    exactly(uniform(20_000, 6)),
    0.5,
    0.05,
    5000,
  );
  expect(value).toBeCloseTo(-0.4, 1);
  expect(low).toBeLessThan(-0.4);
  expect(high).toBeGreaterThan(-0.4);
  expect(high).toBeLessThan(-0.3);
  const [c, b] = [uniform(20_000, 5, 0.6), uniform(20_000, 6)].map((values) =>
    quantileInterval(exactly(values), 0.5, 0.025, 5000),
  );
  expect(low).toBe((c?.low ?? NaN) / (b?.high ?? NaN) - 1);
  expect(high).toBe((c?.high ?? NaN) / (b?.low ?? NaN) - 1);
  const open = quantileLift(exactly(uniform(20, 5)), exactly(uniform(20, 6)), 0.5, 0.05, 5000);
  expect(open).toMatchObject({ low: -1, high: Infinity });
});

test('quantileInterval() refuses what is not a quantile', () => {
  for (const wrong of [0, 1, -0.5, NaN]) {
    expect(() => quantileInterval(exactly(uniform(100, 7)), wrong, 0.05, 5000)).toThrow(
      'Cannot take quantile',
    );
  }
});
