import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chiSquareSurvival, erfc, normalQuantile } from '../../../shared/statistics/distributions.ts';

/** Simpson's rule, in a variable that removes the pole of one degree of freedom at 0: x = u^2. */
function survivalByIntegration(x: number, degrees: number): number {
  const density = (u: number): number => 2 * u ** (degrees - 1) * Math.exp((-u * u) / 2);
  const integrate = (from: number, to: number): number => {
    const steps = 4000;
    const h = (to - from) / steps;
    let sum = density(from) + density(to);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(from + i * h);
    return (sum * h) / 3;
  };
  const tail = integrate(Math.sqrt(x), 40);
  return tail / (integrate(0, Math.sqrt(x)) + tail);
}

test('erfc() gives the published values from the middle to the far tail', () => {
  // Abramowitz and Stegun table 7.1 and DLMF 7.23; the digits are mpmath's.
  for (const [x, value] of [
    [0, 1],
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2, 0.004677734981047266],
    [5, 1.5374597944280349e-12],
    [10, 2.088487583762545e-45],
    [-1, 1.8427007929497148],
  ] as const) {
    expect(Math.abs(erfc(x) / value - 1)).toBeLessThan(1e-13);
  }
});

test('erfc() has no step where the series meets the continued fraction', () => {
  const slope = -(2 / Math.sqrt(Math.PI)) * Math.exp(-(1.5 ** 2));
  const h = 1e-7;
  expect((erfc(1.5 + h) - erfc(1.5 - h)) / (2 * h)).toBeCloseTo(slope, 6);
});

test('chiSquareSurvival() gives the published critical values', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.4: three decimals.
  for (const [x, degrees, p] of [
    [3.841, 1, 0.05],
    [10.828, 1, 0.001],
    [5.991, 2, 0.05],
    [16.266, 3, 0.001],
    [18.307, 10, 0.05],
    [37.697, 15, 0.001],
  ] as const) {
    expect(Math.abs(chiSquareSurvival(x, degrees) / p - 1)).toBeLessThan(5e-4);
  }
});

test('chiSquareSurvival() agrees with the integral of the density', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 60, noNaN: true }),
      fc.integer({ min: 1, max: 15 }),
      (x, degrees) => {
        const reference = survivalByIntegration(x, degrees);
        expect(Math.abs(chiSquareSurvival(x, degrees) / reference - 1)).toBeLessThan(1e-6);
      },
    ),
    { numRuns: 50 },
  );
});

test('chiSquareSurvival() keeps its digits in the far tail, where 1 - P would have none', () => {
  // Two degrees of freedom have the closed form exp(-x / 2).
  expect(chiSquareSurvival(1000, 2) / Math.exp(-500)).toBeCloseTo(1, 12);
  expect(chiSquareSurvival(1000, 4) / (501 * Math.exp(-500))).toBeCloseTo(1, 12);
  expect(chiSquareSurvival(0, 7)).toBe(1);
  expect(chiSquareSurvival(Infinity, 3)).toBe(0);
});

test('chiSquareSurvival() refuses what is not a chi-square', () => {
  for (const [x, degrees] of [
    [-1, 1],
    [NaN, 1],
    [1, 0],
    [1, 1.5],
  ] as const) {
    expect(() => chiSquareSurvival(x, degrees)).toThrow(RangeError);
  }
});

test('normalQuantile() gives the published values and refuses certainties', () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 10);
  expect(normalQuantile(0.8)).toBeCloseTo(0.8416212335729143, 10);
  expect(normalQuantile(1e-10)).toBeCloseTo(-6.361340902404056, 9);
  expect(normalQuantile(0.5)).toBeCloseTo(0, 10);
  for (const wrong of [0, 1, -0.1, NaN]) expect(() => normalQuantile(wrong)).toThrow(RangeError);
});
