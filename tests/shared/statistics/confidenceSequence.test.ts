import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bounds, halfWidth, interval, oneSidedWidth } from '../../../shared/statistics/confidenceSequence.ts';
import { lift } from '../../../shared/statistics/contrast.ts';
import { normalQuantile } from '../../../shared/statistics/distributions.ts';
import type { Estimate } from '../../../shared/statistics/estimate.ts';

const proportion = (successes: number, units: number): Estimate => {
  const value = successes / units;
  return { units, value, variance: value * (1 - value) };
};
const alpha = fc.double({ min: 0.001, max: 0.2, noNaN: true });
const units = fc.integer({ min: 100, max: 1_000_000 });

test('the published vector: 1396 of 3000 against 2422 of 3461, relative, alpha 0.05', () => {
  const contrast = lift(proportion(2422, 3461), proportion(1396, 3000));
  const { low, high } = interval(contrast, 0.05, 5000);
  expect(contrast.value).toBeCloseTo(0.50386, 5);
  expect(low).toBeCloseTo(0.40098, 5);
  expect(high).toBeCloseTo(0.60675, 5);
});

test('the half-width is the normal mixture boundary, written out for one case by hand', () => {
  // a = 0.05, N = n = 5000, s2 = 1: n rho^2 = 5.99146 + ln 6.99146 = 7.93625, and so
  // sqrt(2 * 8.93625 * ln(59.787) / (5000 * 7.93625)).
  expect(halfWidth(1 / Math.sqrt(5000), 5000, 0.05, 5000)).toBeCloseTo(0.042924, 6);
  const rho2 = (-2 * Math.log(0.05) + Math.log(-2 * Math.log(0.05) + 1)) / 5000;
  const t = 5000;
  const direct = Math.sqrt(
    ((2 * (t * rho2 + 1)) / (t ** 2 * rho2)) * Math.log(Math.sqrt(t * rho2 + 1) / 0.05),
  );
  expect(halfWidth(1 / Math.sqrt(t), t, 0.05, 5000)).toBeCloseTo(direct, 12);
});

test('intervals are wider than those for one look, and wider for a smaller alpha', () => {
  fc.assert(
    fc.property(units, alpha, (n, a) => {
      expect(halfWidth(1, n, a, 5000)).toBeGreaterThan(normalQuantile(1 - a / 2));
      expect(oneSidedWidth(1, n, a, 5000)).toBeGreaterThan(normalQuantile(1 - a));
      // Far below the planned units the mixture, tuned to alpha, may turn the order around.
      const enough = n + 2000;
      for (const width of [halfWidth, oneSidedWidth]) {
        expect(width(1, enough, a / 2, 5000)).toBeGreaterThan(width(1, enough, a, 5000));
      }
    }),
  );
});

test('with the same spread, more units give a narrower interval', () => {
  fc.assert(
    fc.property(units, alpha, (n, a) => {
      for (const width of [halfWidth, oneSidedWidth]) {
        const at = (count: number): number => width(1 / Math.sqrt(count), count, a, 5000);
        expect(at(2 * n)).toBeLessThan(at(n));
      }
    }),
  );
});

test('the interval is tightest, against a single look, at the planned units', () => {
  for (const planned of [500, 5000, 50_000]) {
    const best = halfWidth(1, planned, 0.05, planned);
    expect(best).toBeLessThan(halfWidth(1, planned / 8, 0.05, planned));
    expect(best).toBeLessThan(halfWidth(1, planned * 8, 0.05, planned));
    expect(best).toBeLessThan(halfWidth(1, planned, 0.05, planned * 8));
  }
});

test('one-sided bounds are nearer than the two-sided interval', () => {
  const contrast = { value: 0.1, standardError: 0.01, units: 5000 };
  const [two, one] = [interval(contrast, 0.05, 5000), bounds(contrast, 0.05, 5000)];
  expect(one.low).toBeGreaterThan(two.low);
  expect(one.high).toBeLessThan(two.high);
  expect(one.low + one.high).toBeCloseTo(0.2, 12);
});

test('where nothing is known the interval is everything, not NaN', () => {
  for (const contrast of [
    { value: NaN, standardError: Infinity, units: 0 },
    { value: 0.1, standardError: Infinity, units: 10 },
    { value: NaN, standardError: NaN, units: 10 },
  ]) {
    expect(interval(contrast, 0.05, 5000)).toEqual({ low: -Infinity, high: Infinity });
    expect(bounds(contrast, 0.05, 5000)).toEqual({ low: -Infinity, high: Infinity });
  }
});

test('an alpha that is no chance of error is refused', () => {
  const contrast = { value: 0, standardError: 1, units: 100 };
  for (const wrong of [0, 1, -0.05, NaN]) expect(() => interval(contrast, wrong, 5000)).toThrow(RangeError);
  for (const wrong of [0, 0.5, NaN])
    expect(() => bounds(contrast, wrong, 5000)).toThrow('Cannot give an interval');
});
