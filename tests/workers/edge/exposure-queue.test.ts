import { describe, expect, test, vi } from 'vitest';
import { exposureBatch, maxBatchBytes, maxBatchExposures, type Exposure } from '../../../shared/exposure.ts';
import type { EdgeMessage } from '../../../shared/traffic-message.ts';
import { ExposureQueue } from '../../../workers/edge/exposure-queue.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { Clock } from './clock.ts';

/** A queue that fails the first `failures` times. */
function gathering(failures = 0) {
  const clock = new Clock();
  const sent: Exposure[][] = [];
  let attempts = 0;
  const send = (batch: EdgeMessage) => {
    attempts += 1;
    if (attempts <= failures) return Promise.reject(new Error('the queue is out of order'));
    expect(JSON.stringify(batch).length).toBeLessThanOrEqual(maxBatchBytes);
    sent.push(exposureBatch.parse(batch).exposures);
    return Promise.resolve({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
  };
  const exposures = new ExposureQueue({ send }, clock.wait, clock.now);
  let added = 0;
  const add = (count: number, change: Partial<Exposure> = {}): Promise<void>[] =>
    Array.from({ length: count }, () => {
      added += 1;
      return exposures.add(exposureOf({ ...change, requestId: `request-${added}` }));
    });
  return { clock, sent, add, exposures, attempts: () => attempts };
}
const idsOf = (batches: Exposure[][]): string[] => batches.flat().map((one) => one.requestId);
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `request-${i + 1}`);

describe('add()', () => {
  test('sends what came within its time as one message', async () => {
    const { clock, sent, add } = gathering();
    const work = add(2);
    await clock.pass(limits.exposureWaitMs - 1);
    work.push(...add(1));
    expect(sent).toEqual([]);
    await clock.pass(1);
    expect(sent.map((batch) => batch.length)).toEqual([3]);
    await Promise.all(work);
    void add(1);
    await clock.pass(limits.exposureWaitMs);
    expect(idsOf(sent)).toEqual(numbered(4));
  });

  test('sends a full message at once, and every exposure once', async () => {
    const { clock, sent, add } = gathering();
    const work = add(2 * maxBatchExposures + 7, { shadow: null });
    await clock.pass(0);
    expect(sent.map((batch) => batch.length)).toEqual([maxBatchExposures, maxBatchExposures]);
    await clock.pass(limits.exposureWaitMs);
    await Promise.all(work);
    expect(idsOf(sent)).toEqual(numbered(2 * maxBatchExposures + 7));
  });

  test('keeps messages within the bytes that a queue takes', async () => {
    const { clock, sent, add } = gathering();
    const predicted = { digit: Array.from({ length: 256 }, () => 1000) };
    const work = add(150, { predicted });
    await clock.pass(limits.exposureWaitMs);
    await Promise.all(work);
    expect(idsOf(sent)).toEqual(numbered(150));
    expect(sent.length).toBeGreaterThan(1);
    // All but the last are as full as they can be.
    const one = JSON.stringify(exposureOf({ predicted, requestId: 'request-100' })).length + 1;
    for (const batch of sent.slice(0, -1)) {
      expect(JSON.stringify(batch).length).toBeGreaterThan(maxBatchBytes - 2 * one);
    }
  });

  test('leaves the predictions out of an exposure that is larger than a message', async () => {
    const { clock, sent, add } = gathering();
    const classes = Array.from({ length: 256 }, () => 123_456_789);
    const predicted = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`task-${i}`, classes]));
    void add(1, { predicted });
    await clock.pass(limits.exposureWaitMs);
    expect(sent[0]?.[0]).toMatchObject({ requestId: 'request-1', predicted: {} });
  });

  test('sends along what a request left behind that was ended before its time', async () => {
    const { clock, sent } = gathering();
    const send = (batch: EdgeMessage) => {
      sent.push(exposureBatch.parse(batch).exposures);
      return Promise.resolve({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
    };
    let ended = true;
    const exposures = new ExposureQueue(
      { send },
      (ms) => (ended ? new Promise(() => undefined) : clock.wait(ms)),
      clock.now,
    );
    void exposures.add(exposureOf({ requestId: 'request-1' }));
    ended = false;
    await clock.pass(limits.exposureWaitMs + 1);
    expect(sent).toEqual([]);
    void exposures.add(exposureOf({ requestId: 'request-2' }));
    await clock.pass(limits.exposureWaitMs);
    expect(sent.map((batch) => idsOf([batch]))).toEqual([['request-1'], ['request-2']]);
  });
});

describe('a queue that fails', () => {
  test('is tried again, and nothing is lost or sent twice', async () => {
    const { clock, sent, add, exposures, attempts } = gathering(limits.sendRetryMs.length);
    const work = add(3);
    await clock.pass(10_000);
    await Promise.all(work);
    expect(attempts()).toBe(3);
    expect(idsOf(sent)).toEqual(numbered(3));
    expect(exposures.lost).toBe(0);
  });

  test('is given up after a few times: counted, logged, and never thrown', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { clock, sent, add, exposures, attempts } = gathering(4);
    const work = add(3);
    await clock.pass(10_000);
    await Promise.all(work);
    expect(attempts()).toBe(3);
    expect(exposures.lost).toBe(3);
    expect(logged.mock.calls[0]?.[0]).toBe('Cannot send 3 exposures, they are lost (3 in all):');
    logged.mockRestore();
    work.push(...add(1));
    await clock.pass(10_000);
    await Promise.all(work);
    expect(idsOf(sent)).toEqual(['request-4']);
  });
});
