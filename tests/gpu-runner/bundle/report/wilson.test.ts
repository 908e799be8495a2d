import { describe, expect, it } from 'vitest';
import { wilsonInterval } from '../../../../gpu-runner/bundle/report/wilson.ts';

describe('wilsonInterval()', () => {
  it('agrees with published intervals', () => {
    // Newcombe (1998), table I, method 3.
    for (const [right, samples, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const interval = wilsonInterval(right, samples);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  it('has the shares at its ends for which the observed one is just that far off', () => {
    const z = 1.959963984540054;
    const { low, high } = wilsonInterval(37, 50);
    for (const end of [low, high]) {
      expect(Math.abs(37 / 50 - end) / Math.sqrt((end * (1 - end)) / 50)).toBeCloseTo(z, 6);
    }
  });

  it('is the same seen from the wrong answers, and never leaves 0 and 1', () => {
    const right = wilsonInterval(497, 500);
    const wrong = wilsonInterval(3, 500);
    expect(right.low).toBeCloseTo(1 - wrong.high, 12);
    expect(right.high).toBeCloseTo(1 - wrong.low, 12);
    expect(wilsonInterval(500, 500).high).toBe(1);
    expect(wilsonInterval(0, 3).low).toBe(0);
  });

  it('is wider when more confidence is asked for', () => {
    const width = (confidence: number): number => {
      const { low, high } = wilsonInterval(90, 100, confidence);
      return high - low;
    };
    expect(width(0.99)).toBeGreaterThan(width(0.95));
  });

  it('refuses counts that are not a share', () => {
    expect(() => wilsonInterval(3, 2)).toThrow('Cannot take 3 of 2 samples as a share');
    expect(() => wilsonInterval(0, 0)).toThrow('Cannot take 0 of 0 samples as a share');
  });
});
