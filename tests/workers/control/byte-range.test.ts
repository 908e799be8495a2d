import { expect, test } from 'vitest';
import { parseRange } from '../../../workers/control/byte-range.ts';

test('parseRange() reads one range of bytes', () => {
  expect(parseRange('bytes=0-0', 10)).toEqual({ offset: 0, length: 1 });
  expect(parseRange('bytes=2-4', 10)).toEqual({ offset: 2, length: 3 });
  expect(parseRange('bytes=7-', 10)).toEqual({ offset: 7, length: 3 });
  expect(parseRange('bytes=7-99', 10)).toEqual({ offset: 7, length: 3 });
  expect(parseRange('bytes=-3', 10)).toEqual({ offset: 7, length: 3 });
  expect(parseRange('bytes=-99', 10)).toEqual({ offset: 0, length: 10 });
});

test('parseRange() answers the whole for what is no single range of bytes', () => {
  for (const header of [
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=4-2',
    'bytes=0-1,3-4',
    'lines=1-2',
    'bytes=a-b',
  ]) {
    expect(parseRange(header, 10)).toBeNull();
  }
});

test('parseRange() says what cannot be satisfied', () => {
  expect(parseRange('bytes=10-', 10)).toBe('unsatisfiable');
  expect(parseRange('bytes=-0', 10)).toBe('unsatisfiable');
  expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
});
