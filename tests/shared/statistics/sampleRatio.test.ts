import { expect, test } from 'vitest';
import { missingOutcomes, sampleRatio } from '../../../shared/statistics/sampleRatio.ts';

test('sampleRatio() on counts worked by hand', () => {
  // 200^2 / 5000 twice is 16; P(chi-square_1 > 16) = erfc(sqrt 8) = 6.334e-5.
  const { chiSquare, pValue, alarm } = sampleRatio([5200, 4800], [5000, 5000]);
  expect(chiSquare).toBe(16);
  expect(pValue).toBeCloseTo(6.334e-5, 8);
  expect(alarm).toBe(true);
  // Mendel's round yellow, round green, wrinkled yellow and wrinkled green peas, 9 : 3 : 3 : 1, chi-square 0.470.
  const peas = sampleRatio([315, 108, 101, 32], [9, 3, 3, 1]);
  expect(peas.chiSquare).toBeCloseTo(0.47, 3);
  expect(peas.pValue).toBeCloseTo(0.9254, 4);
  expect(peas.alarm).toBe(false);
});

test('sampleRatio() does not depend on the order of the arms or the scale of the slots', () => {
  const one = sampleRatio([120, 250, 630], [1000, 2500, 6500]);
  const other = sampleRatio([630, 120, 250], [65, 10, 25]);
  expect(other.chiSquare).toBeCloseTo(one.chiSquare, 10);
  expect(other.pValue).toBeCloseTo(one.pValue, 10);
});

test('sampleRatio() says nothing before every arm can be expected to have eight units', () => {
  expect(sampleRatio([15, 0], [5000, 5000])).toEqual({ chiSquare: 0, pValue: 1, alarm: false });
  expect(sampleRatio([16, 0], [5000, 5000]).alarm).toBe(true);
  expect(sampleRatio([700, 9], [9900, 100]).pValue).toBe(1);
  expect(sampleRatio([0, 0], [50, 50]).alarm).toBe(false);
  expect(sampleRatio([900, 0], [100, 0]).alarm).toBe(false);
});

test('units in an arm without slots are an alarm by themselves', () => {
  expect(sampleRatio([5000, 5000, 1], [5000, 5000, 0]).alarm).toBe(true);
  expect(sampleRatio([5000, 5000, 0], [5000, 5000, 0]).alarm).toBe(false);
  expect(sampleRatio([1, 0], [0, 0]).alarm).toBe(true);
  expect(sampleRatio([0, 0], [0, 0]).alarm).toBe(false);
});

test('missingOutcomes() is the chi-square test of a 2 x 2 table', () => {
  // n (ad - bc)^2 / (row and column sums), for 900 of 1000 against 850 of 1000.
  const expected = (2000 * (900 * 150 - 100 * 850) ** 2) / (1000 * 1000 * 1750 * 250);
  const { chiSquare, alarm } = missingOutcomes([900, 850], [1000, 1000]);
  expect(chiSquare).toBeCloseTo(expected, 10);
  expect(alarm).toBe(true);
  expect(missingOutcomes([900, 890], [1000, 1000]).alarm).toBe(false);
});

test('missingOutcomes() says nothing when all or none are answered', () => {
  for (const [answered, units] of [
    [
      [1000, 1000],
      [1000, 1000],
    ],
    [
      [0, 0],
      [1000, 1000],
    ],
    [
      [5, 0],
      [1000, 1000],
    ],
    [
      [0, 0],
      [0, 0],
    ],
    [
      [10, 0],
      [20, 0],
    ],
  ] as const) {
    expect(missingOutcomes(answered, units)).toEqual({ chiSquare: 0, pValue: 1, alarm: false });
  }
  expect(missingOutcomes([1000, 0], [1000, 1000]).alarm).toBe(true);
});

test('counts that are none are refused', () => {
  expect(() => sampleRatio([1, 2], [1])).toThrow('Cannot compare counts [1, 2] with [1]');
  expect(() => sampleRatio([-1, 2], [1, 1])).toThrow(RangeError);
  expect(() => sampleRatio([NaN, 2], [1, 1])).toThrow(RangeError);
  expect(() => missingOutcomes([11, 5], [10, 10])).toThrow('Cannot compare 11, 5 answered units of 10, 10');
});
