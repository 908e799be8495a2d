import { describe, expect, it } from 'vitest';
import { Histogram, rangeMethods } from '../../../../gpu-runner/bundle/quantise/histogram.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';

function of(...batches: Float32Array[]): Histogram {
  const histogram = new Histogram();
  for (const batch of batches) histogram.widen(batch, 'value');
  for (const batch of batches) histogram.count(batch);
  return histogram;
}

const random = new Random(5);
const normal = Float32Array.from({ length: 40_000 }, () => random.normal());

/** Mean squared error of 256 steps from `low` to `high`, value by value. */
function squaredError(values: Float32Array, low: number, high: number): number {
  const step = (high - low) / 255;
  let sum = 0;
  for (const value of values) {
    const stored = low + step * Math.min(255, Math.max(0, Math.round((value - low) / step)));
    sum += (stored - value) ** 2;
  }
  return sum / values.length;
}

describe('Histogram.range()', () => {
  it('min-max is everything, over all batches', () => {
    const { low, high } = of(Float32Array.of(1, 2), Float32Array.of(-3, 0.5)).range('min-max');
    expect([low, high]).toEqual([-3, 2]);
  });

  it('percentile leaves one value in ten thousand outside, to the width of a bin', () => {
    const sorted = Float32Array.from(normal).sort();
    const width = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / 2048;
    const { low, high } = of(normal).range('percentile');
    expect(Math.abs(low - (sorted[2] ?? 0))).toBeLessThanOrEqual(1.01 * width);
    expect(Math.abs(high - (sorted[40_000 - 3] ?? 0))).toBeLessThanOrEqual(1.01 * width);
  });

  it('percentile is not led astray by outliers, where min-max is', () => {
    const values = Float32Array.from(normal);
    values[7] = 1e4;
    expect(of(values).range('min-max').high).toBe(1e4);
    expect(of(values).range('percentile').high).toBeLessThan(10);
  });

  it('least-squares rounds with less error than min-max, and with the least that cutting evenly can reach', () => {
    const values = Float32Array.from(normal, (value) => value ** 5);
    const histogram = of(values);
    const all = histogram.range('min-max');
    const least = histogram.range('least-squares');
    const best = Math.min(
      ...Array.from({ length: 40 }, (_, step) => 1 - step / 50).map((share) =>
        squaredError(values, all.low * share, all.high * share),
      ),
    );
    const reached = squaredError(values, least.low, least.high);
    expect(reached).toBeLessThan(0.9 * squaredError(values, all.low, all.high));
    expect(reached).toBeLessThan(1.05 * best);
  });

  it('a value that never changes has a range of its own', () => {
    for (const method of rangeMethods) {
      const { low, high } = of(new Float32Array(10).fill(2)).range(method);
      expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true);
      expect(high).toBeGreaterThan(0);
    }
  });

  it('refuses what is not finite, by name', () => {
    expect(() => of(Float32Array.of(1, NaN))).toThrow('Cannot calibrate "value": it was NaN');
  });
});
