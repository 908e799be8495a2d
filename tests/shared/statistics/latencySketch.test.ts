import { expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { sketchedLatency, sketchOf, type LatencyCount } from '../../../shared/statistics/latencySketch.ts';
import { quantileInterval, quantileLift } from '../../../shared/statistics/quantile.ts';

/** Log-normal latencies around a median. */
const latencies = (median: number, count: number, seed: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => median * Math.exp(random.normal()));
};
const once = (values: readonly number[]): LatencyCount[] => values.map((ms) => ({ ms, requests: 1 }));

test('quantiles lie within the stated error of the exact ones', () => {
  const values = latencies(12, 5000, 1);
  const sorted = values.toSorted((a, b) => a - b);
  const sketch = sketchOf(once(values));
  expect(sketch.count).toBe(5000);
  for (const quantile of [0.01, 0.5, 0.9, 0.99]) {
    const exact = sorted[Math.floor(quantile * 4999)] ?? NaN;
    expect(Math.abs(sketch.getValueAtQuantile(quantile) / exact - 1)).toBeLessThanOrEqual(0.0101);
  }
});

test('sketches of parts merge into the sketch of the whole', () => {
  const values = latencies(12, 3000, 2);
  const merged = sketchOf(once(values.slice(0, 100)));
  merged.merge(sketchOf(once(values.slice(100, 2000))));
  merged.merge(sketchOf(once(values.slice(2000))));
  const whole = sketchOf(once(values));
  for (let quantile = 0; quantile <= 1; quantile += 0.05) {
    expect(merged.getValueAtQuantile(quantile)).toBe(whole.getValueAtQuantile(quantile));
  }
});

test('counted latencies are as many single ones, and clocks that stood still count as 0', () => {
  const counted = sketchOf([
    { ms: 5, requests: 3 },
    { ms: 0, requests: 2 },
  ]);
  const single = sketchOf(once([5, 0, 5, 0, 5]));
  for (const quantile of [0, 0.25, 0.5, 1]) {
    expect(counted.getValueAtQuantile(quantile)).toBe(single.getValueAtQuantile(quantile));
  }
  expect(counted.getValueAtQuantile(0.25)).toBe(0);
});

test('the interval of the median, and of a quotient of medians, hold the true values', () => {
  const [fast, slow] = [6, 10].map((median, i) =>
    sketchedLatency(once(latencies(median, 5000, 3 + i)), 5000),
  );
  if (!fast || !slow) throw new Error('two sketches');
  const { low, high } = quantileInterval(slow, 0.5, 0.05, 5000);
  expect(low).toBeLessThan(10);
  expect(high).toBeGreaterThan(10);
  const lift = quantileLift(fast, slow, 0.5, 0.05, 5000);
  expect(lift.low).toBeLessThan(-0.4);
  expect(lift.high).toBeGreaterThan(-0.4);
  expect(lift.high).toBeLessThan(-0.25);
});

test('sketchOf() refuses what is no count of latencies', () => {
  for (const wrong of [
    { ms: -1, requests: 1 },
    { ms: NaN, requests: 1 },
    { ms: Infinity, requests: 1 },
    { ms: 1, requests: 0 },
    { ms: 1, requests: 1.5 },
  ]) {
    expect(() => sketchOf([wrong])).toThrow('Cannot sketch');
  }
});
