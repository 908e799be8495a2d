import { expect, test } from 'vitest';
import { readServerTiming } from '../../client/serverTiming.ts';

test('what the edge sends is taken apart: loads with what was loaded, then the runs', () => {
  expect(readServerTiming('load;dur=93;desc="trunk digit", trunk;dur=1.5, head-digit;dur=0')).toEqual([
    { name: 'load', ms: 93, description: 'trunk digit' },
    { name: 'trunk', ms: 1.5, description: '' },
    { name: 'head-digit', ms: 0, description: '' },
  ]);
});

test('commas and semicolons in quotes end nothing, and entries without a duration are there', () => {
  expect(readServerTiming('a;desc="x, y; z";dur=2,b')).toEqual([
    { name: 'a', ms: 2, description: 'x, y; z' },
    { name: 'b', ms: 0, description: '' },
  ]);
});

test('no header is no timing, and what is no entry is left out', () => {
  expect(readServerTiming(null)).toEqual([]);
  expect(readServerTiming('')).toEqual([]);
  expect(readServerTiming('not a name;dur=1, ok;dur=nonsense')).toEqual([
    { name: 'ok', ms: 0, description: '' },
  ]);
});
