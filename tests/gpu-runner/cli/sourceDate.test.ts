import { expect, test } from 'vitest';
import { sourceDate } from '../../../gpu-runner/cli/sourceDate.ts';

test('sourceDate() is now, or what SOURCE_DATE_EPOCH says', () => {
  const before = Date.now();
  expect(sourceDate({}).getTime()).toBeGreaterThanOrEqual(before);
  expect(sourceDate({ SOURCE_DATE_EPOCH: '' }).getTime()).toBeGreaterThanOrEqual(before);
  expect(sourceDate({ SOURCE_DATE_EPOCH: '1700000000' }).toISOString()).toBe('2023-11-14T22:13:20.000Z');
});

test.each(['yesterday', '-1', '1.5', '9'.repeat(20)])('sourceDate() refuses %s', (given) => {
  expect(() => sourceDate({ SOURCE_DATE_EPOCH: given })).toThrow(`SOURCE_DATE_EPOCH is "${given}"`);
});
