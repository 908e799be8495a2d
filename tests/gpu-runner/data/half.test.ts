import { expect, it } from 'vitest';
import { halfToFloat } from '../../../gpu-runner/data/half.ts';

it('halfToFloat() reads the numbers of IEEE 754 binary16', () => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ];
  for (const [bits, value] of known) expect(halfToFloat(bits)).toBe(value);
});

it('halfToFloat() grows with the bits of positive numbers', () => {
  for (let bits = 1; bits <= 0x7c00; bits++) expect(halfToFloat(bits)).toBeGreaterThan(halfToFloat(bits - 1));
});
