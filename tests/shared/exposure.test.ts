import { expect, test } from 'vitest';
import { exposureBatch, hashUnit, isFault, maxBatchBytes, type Exposure } from '../../shared/exposure.ts';
import { exposureOf } from './exposures.ts';

const batch = (change: Partial<Exposure>) => ({
  format: 'trunkline.exposures/1',
  exposures: [exposureOf(change)],
});

test('a batch holds requests of an experiment and requests of none', () => {
  expect(exposureBatch.safeParse(batch({})).error).toBeUndefined();
  expect(exposureBatch.safeParse(batch({ assignment: null })).error).toBeUndefined();
});

test.each<[string, Partial<Exposure>]>([
  ['a request id with spaces', { requestId: 'a b' }],
  ['a negative latency', { latencyMs: { total: -1, load: 0, trunk: 0, heads: 0 } }],
  ['an infinite latency', { latencyMs: { total: Infinity, load: 0, trunk: 0, heads: 0 } }],
  ['a prediction that is no class', { predicted: { digit: [0.5] } }],
  ['more predictions than are kept', { predicted: { digit: Array.from({ length: 257 }, () => 1) } }],
])('%s is refused', (_, change) => {
  expect(exposureBatch.safeParse(batch(change)).success).toBe(false);
});

test('a unit in clear is refused', () => {
  const { assignment } = exposureOf({});
  expect(assignment).not.toBeNull();
  const clear = assignment && { ...assignment, unit: 'jane@example.com' };
  expect(exposureBatch.safeParse(batch({ assignment: clear })).success).toBe(false);
});

test('a batch of 120 ordinary exposures with a shadow each fits a message', () => {
  const exposures = Array.from({ length: 120 }, (_, i) =>
    exposureOf({ requestId: `${i}`.padStart(36, '0') }),
  );
  const bytes = new TextEncoder().encode(JSON.stringify({ format: 'trunkline.exposures/1', exposures }));
  expect(bytes.length).toBeLessThan(maxBatchBytes);
});

test('hashUnit() gives the same unit another hash on another endpoint', async () => {
  const hash = await hashUnit('vision', 'u1');
  expect(hash).toBe('6c032e152fead1858701caa293dc23a2');
  expect(await hashUnit('vision', 'u1')).toBe(hash);
  expect(await hashUnit('speech', 'u1')).not.toBe(hash);
});

test('isFault() blames the arm for what it could not do, not for what the client asked', () => {
  expect(isFault('unavailable')).toBe(true);
  expect(isFault('internal')).toBe(true);
  expect(isFault('invalid')).toBe(false);
  expect(isFault('too-large')).toBe(false);
});
