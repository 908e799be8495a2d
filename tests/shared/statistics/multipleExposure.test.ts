import { expect, test } from 'vitest';
import { multipleExposure } from '../../../shared/statistics/multipleExposure.ts';

test('multipleExposure() gives the share of all units and alarms above one in a hundred', () => {
  expect(multipleExposure(10, 990)).toEqual({ units: 10, share: 0.01, alarm: false });
  expect(multipleExposure(11, 989)).toEqual({ units: 11, share: 0.011, alarm: true });
  expect(multipleExposure(0, 0)).toEqual({ units: 0, share: 0, alarm: false });
});

test('a handful of units is no alarm, whatever share it is', () => {
  expect(multipleExposure(9, 1).alarm).toBe(false);
  expect(multipleExposure(10, 1).alarm).toBe(true);
});

test('multipleExposure() refuses what is not a count', () => {
  expect(() => multipleExposure(-1, 5)).toThrow(RangeError);
  expect(() => multipleExposure(1, 5.5)).toThrow('Cannot compare 1 units in several arms with 5.5 in one');
});
