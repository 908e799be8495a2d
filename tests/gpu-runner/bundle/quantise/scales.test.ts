import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activationScale,
  quantiseBias,
  quantiseWeights,
  scalesForBias,
} from '../../../../gpu-runner/bundle/quantise/scales.ts';
import type { Tensor } from '../../../../shared/tensor.ts';

const tensor = (dims: number[], values: readonly number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(values),
});

describe('activationScale()', () => {
  it('spreads the range over all integers', () => {
    expect(activationScale({ low: 0, high: 255 }, 'uint8')).toEqual({ scale: 1, zeroPoint: 0 });
    expect(activationScale({ low: -128, high: 127 }, 'int8')).toEqual({ scale: 1, zeroPoint: 0 });
    expect(activationScale({ low: -51, high: 204 }, 'uint8')).toEqual({ scale: 1, zeroPoint: 51 });
  });

  it('rounds nothing inside the range by more than half a step, a step at its ends, and zero not at all', () => {
    const ends = fc.float({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(ends, ends, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        const [low, high] = [Math.min(a, b, 0), Math.max(a, b, 0)];
        fc.pre(high - low > 1e-6);
        for (const type of ['uint8', 'int8'] as const) {
          const { scale, zeroPoint } = activationScale({ low, high }, type);
          const [least, most] = type === 'uint8' ? [0, 255] : [-128, 127];
          const stored = (value: number): number =>
            (Math.min(most, Math.max(least, Math.round(value / scale) + zeroPoint)) - zeroPoint) * scale;
          expect(Number.isInteger(zeroPoint) && zeroPoint >= least && zeroPoint <= most).toBe(true);
          expect(stored(0)).toBe(0);
          const value = low + share * (high - low);
          expect(Math.abs(stored(value) - value)).toBeLessThanOrEqual(scale * 1.001);
        }
      }),
    );
  });

  it('takes zero in where the range leaves it out, and any scale where all values are zero', () => {
    expect(activationScale({ low: 3, high: 255 }, 'uint8')).toEqual({ scale: 1, zeroPoint: 0 });
    expect(activationScale({ low: 0, high: 0 }, 'uint8')).toEqual({ scale: 1, zeroPoint: 0 });
  });

  it('refuses a range that is not finite', () => {
    expect(() => activationScale({ low: 0, high: Infinity }, 'uint8')).toThrow(
      'Cannot quantise values from 0 to Infinity: they are not finite',
    );
  });
});

describe('quantiseWeights()', () => {
  it('gives each channel a scale of its own, whichever axis they lie on', () => {
    const rows = quantiseWeights(tensor([2, 3], [127, -63.5, 0, 0.5, -1.27, 0.01]), 0);
    expect([...rows.values.data]).toEqual([127, -64 + 1, 0, 50, -127, 1]);
    expect(rows.scales.data[0]).toBe(1);
    expect(rows.scales.data[1]).toBeCloseTo(0.01, 7);
    const columns = quantiseWeights(tensor([3, 2], [127, 0.5, -63.5, -1.27, 0, 0.01]), 1);
    expect(columns.scales.data).toEqual(rows.scales.data);
    expect([...columns.values.data]).toEqual([127, 50, -63, -127, 0, 1]);
  });

  it('rounds no weight by more than half of its channel\u2019s step', () => {
    const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1, 2), (data, axis) => {
        const weights = tensor([2, 3, 2], data);
        const { values: integers, scales } = quantiseWeights(weights, axis);
        for (const [index, value] of weights.data.entries()) {
          const place = [Math.floor(index / 6), Math.floor(index / 2) % 3, index % 2];
          const scale = scales.data[place[axis] ?? 0] ?? NaN;
          expect(Math.abs((integers.data[index] ?? NaN) * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
        }
      }),
    );
  });

  it('keeps zeros exactly, and channels of zeros usable', () => {
    const { values, scales } = quantiseWeights(tensor([2, 2], [0, 0, 0, 5]), 0);
    expect([...values.data]).toEqual([0, 0, 0, 127]);
    expect(scales.data[0]).toBe(1);
  });

  it('refuses a weight that is not finite, with its place', () => {
    expect(() => quantiseWeights(tensor([1, 2], [1, NaN]), 0)).toThrow(
      'Cannot quantise weights: number 1 is NaN',
    );
  });
});

describe('quantiseBias()', () => {
  it('stands on the scale of the products, to half a step', () => {
    const { values, scales } = quantiseBias(Float32Array.of(1, -0.5), 0.1, Float32Array.of(0.01, 0.02));
    expect(scales.data[0]).toBeCloseTo(0.001, 9);
    expect([...values.data]).toEqual([1000, -250]);
  });

  it('fits an int32 even beside weights of next to nothing, and is exact beside a dead channel', () => {
    const bias = Float32Array.of(7.3, -7.3, 0);
    const floor = scalesForBias(bias, 0.01);
    const { scales } = quantiseWeights(tensor([3, 1], [1e-12, 0, 0]), 0, floor);
    const stored = quantiseBias(bias, 0.01, scales.data);
    for (const [channel, value] of bias.entries()) {
      const integer = stored.values.data[channel] ?? NaN;
      expect(Math.abs(integer)).toBeLessThanOrEqual(2 ** 30 + 2 ** 8);
      expect(integer * (stored.scales.data[channel] ?? NaN)).toBeCloseTo(value, 5);
    }
  });
});
