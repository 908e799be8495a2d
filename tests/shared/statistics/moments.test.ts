import fc from 'fast-check';
import { expect, test } from 'vitest';
import { meanOf, mergeMoments, momentsOf, noMoments } from '../../../shared/statistics/moments.ts';

const values = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 2, maxLength: 50 });

test('meanOf() agrees with a mean and variance taken in two passes', () => {
  fc.assert(
    fc.property(values, (xs) => {
      const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
      const variance = xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (xs.length - 1);
      const estimate = meanOf(momentsOf(xs));
      expect(estimate.units).toBe(xs.length);
      expect(Math.abs(estimate.value - mean)).toBeLessThan(1e-9);
      expect(Math.abs(estimate.variance - variance)).toBeLessThan(1e-8 * (1 + 1000 ** 2));
    }),
  );
});

test('moments merge in any split and order', () => {
  const whole = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 40 });
  fc.assert(
    fc.property(whole, fc.nat(40), (xs, cut) => {
      const parts = [momentsOf(xs.slice(0, cut)), momentsOf(xs.slice(cut))] as const;
      expect(mergeMoments(...parts)).toEqual(momentsOf(xs));
      expect(mergeMoments(parts[1], parts[0])).toEqual(momentsOf(xs));
      expect(mergeMoments(momentsOf(xs), noMoments)).toEqual(momentsOf(xs));
    }),
  );
});

test('a variance that rounding has eaten comes out too large, never too small', () => {
  const xs = Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 2));
  expect(meanOf(momentsOf(xs)).variance).toBeGreaterThan(0.25);
  expect(meanOf(momentsOf([3, 3, 3])).variance).toBeGreaterThan(0);
});

test('fewer than two units tell nothing', () => {
  expect(meanOf(momentsOf([])).variance).toBe(Infinity);
  expect(meanOf(momentsOf([5])).variance).toBe(Infinity);
});

test('momentsOf() refuses numbers that are not finite', () => {
  expect(() => momentsOf([1, NaN])).toThrow('NaN is not a finite number');
  expect(() => momentsOf([Infinity])).toThrow(RangeError);
});
