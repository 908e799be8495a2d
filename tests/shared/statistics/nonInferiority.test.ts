import { expect, test } from 'vitest';
import { correctedAlpha, nonInferiority } from '../../../shared/statistics/nonInferiority.ts';

const verdict = (value: number, standardError: number, margin = 0.02): string =>
  nonInferiority({ value, standardError, units: 5000 }, margin, 0.05, 5000).verdict;

test('nonInferiority() decides once a one-sided bound has passed the margin', () => {
  // At 5000 units of 5000 planned, a bound lies about 2.9 standard errors away.
  expect(verdict(0, 0.005)).toBe('non-inferior');
  expect(verdict(0, 0.01)).toBe('undecided');
  expect(verdict(-0.06, 0.01)).toBe('inferior');
  expect(verdict(-0.03, 0.01)).toBe('undecided');
  expect(verdict(0.05, 0.01)).toBe('non-inferior');
});

test('a small sure loss inside the margin is non-inferior', () => {
  expect(verdict(-0.01, 0.002)).toBe('non-inferior');
});

test('a wider margin never turns non-inferior into anything else', () => {
  for (const value of [-0.03, -0.01, 0, 0.01]) {
    for (const margin of [0.01, 0.02, 0.04, 0.08]) {
      if (verdict(value, 0.003, margin) === 'non-inferior') {
        expect(verdict(value, 0.003, margin * 1.5)).toBe('non-inferior');
      } else {
        expect(verdict(value, 0.003, margin / 1.5)).not.toBe('non-inferior');
      }
    }
  }
});

test('nonInferiority() without data is undecided and without a margin refused', () => {
  expect(nonInferiority({ value: NaN, standardError: Infinity, units: 0 }, 0.02, 0.05, 5000)).toEqual({
    verdict: 'undecided',
    bounds: { low: -Infinity, high: Infinity },
  });
  for (const wrong of [0, -0.01, NaN]) expect(() => verdict(0, 0.01, wrong)).toThrow('it must be positive');
});

test('correctedAlpha() shares alpha and refuses a share of nothing', () => {
  expect(correctedAlpha(0.05, 1)).toBe(0.05);
  expect(correctedAlpha(0.05, 4)).toBe(0.0125);
  for (const wrong of [0, -1, 1.5]) expect(() => correctedAlpha(0.05, wrong)).toThrow(RangeError);
});
