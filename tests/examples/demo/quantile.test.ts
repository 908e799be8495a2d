import { expect, it } from 'vitest';
import { median, quantile } from '../../../examples/demo/quantile.ts';

it('quantile() interpolates between neighbours and needs no order', () => {
  expect(quantile([4, 1, 3, 2], 0)).toBe(1);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([10, 20], 0.99)).toBeCloseTo(19.9, 12);
});

it('median() of one value is that value, and of none is not a number', () => {
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});
