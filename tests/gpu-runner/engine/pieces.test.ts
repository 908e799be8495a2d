import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { between, cut, joined, sha256OfPieces, sizeOf } from '../../../gpu-runner/engine/pieces.ts';

const whole = Uint8Array.from({ length: 23 }, (_, index) => index * 7);
const cuts = [1, 2, 5, 22, 23, 24].map((most) => cut([whole], most));

it('cut() makes pieces of at most so many bytes, over the same memory', () => {
  const pieces = cut([whole.subarray(0, 3), new Uint8Array(), whole.subarray(3)], 8);
  expect(pieces.map(({ length }) => length)).toEqual([3, 0, 8, 8, 4]);
  expect(pieces.filter(({ buffer }) => buffer === whole.buffer)).toHaveLength(4);
  expect(joined(pieces)).toEqual(whole);
});

it('between() finds the same bytes wherever they were cut', () => {
  for (const pieces of cuts) {
    expect(sizeOf(pieces)).toBe(23);
    for (const [from, to] of [
      [0, 0],
      [0, 23],
      [4, 6],
      [5, 21],
      [20, 40],
      [23, 25],
    ] as const)
      expect(joined(between(pieces, from, to))).toEqual(whole.slice(from, to));
  }
});

it('sha256OfPieces() is the digest of the whole', async () => {
  const digest = new Uint8Array(createHash('sha256').update(whole).digest());
  for (const pieces of [...cuts, [whole]]) expect(await sha256OfPieces(pieces)).toEqual(digest);
});
