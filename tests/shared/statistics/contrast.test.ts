import { expect, test } from 'vitest';
import { difference, fewestUnits, lift } from '../../../shared/statistics/contrast.ts';
import { nothingKnown, type Estimate } from '../../../shared/statistics/estimate.ts';

const estimate = (value: number, variance: number, units: number): Estimate => ({ value, variance, units });

test('difference() adds the squared standard errors', () => {
  const { value, standardError, units } = difference(estimate(0.9, 0.09, 100), estimate(0.8, 0.16, 400));
  expect(value).toBeCloseTo(0.1, 12);
  expect(standardError).toBeCloseTo(Math.sqrt(0.0009 + 0.0004), 12);
  expect(units).toBe(500);
});

test('lift() propagates errors as the numerical derivative of (c - b) / b does', () => {
  const [c, b] = [estimate(12, 30, 200), estimate(10, 20, 300)];
  const h = 1e-5;
  const relative = (candidate: number, baseline: number): number => (candidate - baseline) / baseline;
  const dc = (relative(c.value + h, b.value) - relative(c.value - h, b.value)) / (2 * h);
  const db = (relative(c.value, b.value + h) - relative(c.value, b.value - h)) / (2 * h);
  const expected = Math.sqrt((dc ** 2 * c.variance) / c.units + (db ** 2 * b.variance) / b.units);
  const { value, standardError } = lift(c, b);
  expect(value).toBeCloseTo(0.2, 12);
  expect(standardError).toBeCloseTo(expected, 8);
});

test('a contrast says nothing before every arm has a few units', () => {
  const enough = estimate(1, 1, fewestUnits);
  const few = estimate(1, 1, fewestUnits - 1);
  expect(difference(enough, enough).standardError).toBeLessThan(1);
  for (const [a, b] of [
    [enough, few],
    [few, enough],
    [enough, nothingKnown(0)],
    [nothingKnown(1000), enough],
  ] as const) {
    expect(difference(a, b).standardError).toBe(Infinity);
    expect(lift(a, b).standardError).toBe(Infinity);
  }
});

test('lift() leaves a baseline of 0 open and refuses a negative one', () => {
  expect(lift(estimate(1, 1, 100), estimate(0, 1, 100)).standardError).toBe(Infinity);
  expect(lift(estimate(0, 0, 100), estimate(0, 0, 100)).standardError).toBe(Infinity);
  expect(() => lift(estimate(1, 1, 100), estimate(-1, 1, 100))).toThrow('must be positive');
});
