import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from '../../shared/canonical-json.ts';

it('canonicalJson() sorts keys at every depth and leaves no white space', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'é"' }], a: true, 10: 1e21, 9: -0.5 })).toBe(
    '{"10":1e+21,"9":-0.5,"a":true,"b":[1,{"c":"é\\"","d":null}]}',
  );
});

it('canonicalJson() is JSON of the same value, and the same text in whatever order keys were set', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      // Negative zero is the one number that JSON does not keep.
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

it('canonicalJson() refuses what JSON would drop or change', () => {
  for (const value of [NaN, Infinity, undefined, () => 1, 1n]) {
    expect(() => canonicalJson({ value })).toThrow(/^Cannot write .* as JSON$/);
  }
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
