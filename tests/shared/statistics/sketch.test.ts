import { expect, test } from 'vitest';
import { sketchOf } from '../../../shared/statistics/sketch.ts';

/** Squares: values far apart where they are large. */
const values = Array.from({ length: 2000 }, (_, i) => (i + 1) ** 2);

test('sketchOf() answers quantiles to its stated accuracy', () => {
  const { sketch, relativeAccuracy } = sketchOf(
    values.map((value) => [value, 1] as const),
    values.length,
    0,
  );
  expect(sketch.count).toBe(2000);
  for (const quantile of [0.01, 0.25, 0.5, 0.9, 0.99]) {
    const exact = values[Math.floor(quantile * (values.length - 1))] ?? NaN;
    expect(Math.abs(sketch.getValueAtQuantile(quantile) / exact - 1)).toBeLessThanOrEqual(relativeAccuracy);
  }
});

test('sketchOf() takes a count as that many values, and zeros', () => {
  const { sketch, units, relativeAccuracy } = sketchOf(
    [
      [0, 60],
      [100, 40],
    ],
    7,
    0.005,
  );
  expect(sketch.count).toBe(100);
  expect(sketch.getValueAtQuantile(0.5)).toBe(0);
  expect(sketch.getValueAtQuantile(0.7)).toBeCloseTo(100, -1);
  expect(units).toBe(7);
  expect(relativeAccuracy).toBeCloseTo(0.015, 12);
});

test('sketchOf() refuses what is no latency', () => {
  for (const wrong of [[-1, 1] as const, [1, -1] as const, [NaN, 1] as const, [1, Infinity] as const]) {
    expect(() => sketchOf([wrong], 1, 0)).toThrow(RangeError);
  }
});
