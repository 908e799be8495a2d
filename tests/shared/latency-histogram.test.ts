import { describe, expect, test } from 'vitest';
import {
  addCounts,
  latencyAccuracy,
  latencyBucket,
  quantileOf,
  totalOf,
  type LatencyHistogram,
} from '../../shared/latency-histogram.ts';

/** Latencies that look like those of a service: most quick, a long tail. */
const latencies = Array.from({ length: 5000 }, (_, i) => {
  const share = ((i * 2654435761) % 2 ** 32) / 2 ** 32;
  return 0.3 + 3 * share + 400 * share ** 40;
});
const histogramOf = (values: readonly number[]): LatencyHistogram =>
  addCounts(...values.map((ms) => ({ [latencyBucket(ms)]: 1 }))) as Record<string, number>;
/** By sorting all of them: the smallest that a share of them does not exceed. */
const exactQuantile = (values: readonly number[], quantile: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(quantile * values.length) - 1)] ?? NaN;

describe('quantileOf()', () => {
  test.each([0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1])(
    'is within its accuracy of the quantile %d of the latencies themselves',
    (quantile) => {
      const exact = exactQuantile(latencies, quantile);
      const told = quantileOf(histogramOf(latencies), quantile) ?? NaN;
      expect(Math.abs(told - exact) / exact).toBeLessThanOrEqual(latencyAccuracy + 1e-12);
    },
  );

  test('is nothing for no requests, and the only latency for one', () => {
    expect(quantileOf({}, 0.5)).toBeNull();
    for (const quantile of [0, 0.5, 1])
      expect(quantileOf(histogramOf([0]), quantile), String(quantile)).toBe(0);
    expect(quantileOf(histogramOf([8]), 0.99)).toBeCloseTo(8, 0);
  });

  test('counts of parts, added up, are those of the whole', () => {
    const parts = [latencies.slice(0, 17), latencies.slice(17, 1200), latencies.slice(1200)];
    const sum = addCounts(...parts.map(histogramOf)) as Record<string, number>;
    expect(sum).toEqual(histogramOf(latencies));
    expect(totalOf(sum)).toBe(latencies.length);
  });
});

describe('latencyBucket()', () => {
  test('holds what is above 2^(i/8) and up to 2^((i+1)/8), as OpenTelemetry has it', () => {
    // Of its data model: at scale 3 the bucket of 1 is -1, that of 2 is 7, what is above goes into the next.
    expect([1, 2, 4].map(latencyBucket)).toEqual([-1, 7, 15]);
    expect([1.001, 2.001, 4.001].map(latencyBucket)).toEqual([0, 8, 16]);
    for (let bucket = -40; bucket < 120; bucket++) {
      const middle = 2 ** ((bucket + 0.5) / 8);
      expect(latencyBucket(middle), String(middle)).toBe(bucket);
    }
  });

  test('keeps what no clock should tell in the outermost buckets', () => {
    const outermost = [latencyBucket(0), latencyBucket(2 ** 20)];
    expect([-5, NaN, 0.001, 2 ** -6].map(latencyBucket)).toEqual(Array(4).fill(outermost[0]));
    expect([1e9, Infinity].map(latencyBucket)).toEqual(Array(2).fill(outermost[1]));
  });
});

test('addCounts() and totalOf() take counts of anything', () => {
  expect(addCounts({ invalid: 1 }, {}, { invalid: 2, internal: 3 })).toEqual({ invalid: 3, internal: 3 });
  expect(totalOf({ invalid: 3, internal: 3 })).toBe(6);
  expect(totalOf({})).toBe(0);
});
