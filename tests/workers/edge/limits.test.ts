import { expect, test } from 'vitest';
import { estimateHeapBytes } from '../../../shared/heap.ts';
import { fits, limits, MiB, requireFit } from '../../../workers/edge/limits.ts';

test.each([
  [20, 32],
  [44, 67],
  [5, 23],
])('estimateHeapBytes() of %i MiB is near the %i MiB that were measured', (weights, measured) => {
  const estimate = estimateHeapBytes(weights * MiB) / MiB;
  expect(estimate / measured).toBeGreaterThan(0.85);
  expect(estimate / measured).toBeLessThan(1.2);
});

test('fits() counts all sessions together', () => {
  expect(fits([20 * MiB, 20 * MiB])).toBe(true);
  expect(fits([20 * MiB, 20 * MiB, 20 * MiB])).toBe(false);
});

test('fits() counts the copy of the largest session while it loads', () => {
  expect(fits([50 * MiB])).toBe(false);
  expect(fits([25 * MiB, 25 * MiB])).toBe(true);
});

test('the limits leave an isolate of 128 MB room for its own code', () => {
  expect(limits.loadBytes + limits.bodyBytes).toBeLessThan(128_000_000);
});

test('requireFit() names what does not fit, with the numbers', () => {
  expect(() => requireFit('the trunk', [60 * MiB])).toThrow(
    'Cannot load the trunk: 60.0 MiB of graphs and weights need 81.0 MiB of ONNX Runtime heap (the limit is 80.0 MiB) and 141.0 MiB while loading (the limit is 100.0 MiB)',
  );
});
