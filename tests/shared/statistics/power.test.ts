import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneSidedWidth } from '../../../shared/statistics/confidenceSequence.ts';
import { normalQuantile } from '../../../shared/statistics/distributions.ts';
import { plannedVariance, unitsNeeded, unitsStillNeeded } from '../../../shared/statistics/power.ts';

const plan = { alpha: 0.05, plannedUnits: 5000, power: 0.8 };

test('unitsNeeded() is the smallest number that reaches the distance', () => {
  const variance = fc.double({ min: 0.01, max: 4, noNaN: true });
  const distance = fc.double({ min: 0.005, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(variance, distance, (s2, d) => {
      const reach = (n: number): number => {
        const se = Math.sqrt(s2 / n);
        return oneSidedWidth(se, n, plan.alpha, plan.plannedUnits) + normalQuantile(plan.power) * se;
      };
      const n = unitsNeeded(s2, d, plan);
      expect(reach(n)).toBeLessThanOrEqual(d);
      if (n > 1) expect(reach(n - 1)).toBeGreaterThan(d);
    }),
  );
});

test('more power, less alpha and less distance need more units, and more than a single look would', () => {
  const base = unitsNeeded(0.36, 0.02, plan);
  expect(unitsNeeded(0.36, 0.02, { ...plan, power: 0.9 })).toBeGreaterThan(base);
  expect(unitsNeeded(0.36, 0.02, { ...plan, alpha: 0.025 })).toBeGreaterThan(base);
  expect(unitsNeeded(0.36, 0.01, plan)).toBeGreaterThan(base);
  const oneLook = (0.36 * (normalQuantile(0.95) + normalQuantile(0.8)) ** 2) / 0.02 ** 2;
  expect(base).toBeGreaterThan(oneLook);
  expect(base).toBeLessThan(4 * oneLook);
});

test('no distance or no data need units without end', () => {
  expect(unitsNeeded(0.36, 0, plan)).toBe(Infinity);
  expect(unitsNeeded(0.36, -0.01, plan)).toBe(Infinity);
  expect(unitsNeeded(Infinity, 0.02, plan)).toBe(Infinity);
  expect(unitsNeeded(NaN, 0.02, plan)).toBe(Infinity);
  expect(unitsNeeded(1, 1e-9, plan)).toBe(Infinity);
});

test('unitsStillNeeded() counts down to 0', () => {
  const left = (units: number): number =>
    unitsStillNeeded({ value: 0, standardError: 0.6 / Math.sqrt(units), units }, 0.02, plan);
  const total = unitsNeeded(0.36, 0.02, plan);
  expect(Math.abs(left(1000) - (total - 1000))).toBeLessThanOrEqual(1);
  expect(left(2 * total)).toBe(0);
  expect(unitsStillNeeded({ value: -0.02, standardError: 0.01, units: 1000 }, 0.02, plan)).toBe(Infinity);
  expect(unitsStillNeeded({ value: NaN, standardError: Infinity, units: 10 }, 0.02, plan)).toBe(Infinity);
});

test('plannedVariance() is that of two halves, or of a small arm beside a large one', () => {
  expect(plannedVariance(0.9, 0.5, 0.5)).toBeCloseTo(0.36, 12);
  expect(plannedVariance(0.9, 0.1, 0.9)).toBeCloseTo(0.09 * (10 + 1 / 0.9), 12);
  expect(() => plannedVariance(1, 0.5, 0.5)).toThrow('Cannot plan with 1');
  expect(() => plannedVariance(0.9, 0, 1)).toThrow(RangeError);
});
