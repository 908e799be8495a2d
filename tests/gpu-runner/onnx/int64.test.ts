import { describe, expect, it } from 'vitest';
import { toInt64 } from '../../../gpu-runner/onnx/int64.ts';

describe('toInt64()', () => {
  it('is exact inside the range and the nearest int64 outside', () => {
    expect(toInt64(-5)).toBe(-5n);
    expect(toInt64(2 ** 53)).toBe(2n ** 53n);
    expect(toInt64(Number(2n ** 63n - 1n))).toBe(2n ** 63n - 1n);
    expect(toInt64(-(2 ** 80))).toBe(-(2n ** 63n));
  });

  it('refuses a fraction', () => {
    expect(() => toInt64(0.5)).toThrow(RangeError);
  });
});
