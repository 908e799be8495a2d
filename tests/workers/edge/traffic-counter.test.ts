import { describe, expect, test, vi } from 'vitest';
import { latencyBucket, totalOf } from '../../../shared/latency-histogram.ts';
import {
  maxTrafficCounts,
  requestsOf,
  trafficMessage,
  type EdgeMessage,
  type TrafficMessage,
} from '../../../shared/traffic-message.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { TrafficCounter, type Counted } from '../../../workers/edge/traffic-counter.ts';
import { Clock } from './clock.ts';

const at = new Date('2026-01-02T03:04:05.678Z');
const minute = '2026-01-02T03:04:00.000Z';
const answered = (change: { endpoint?: string; at?: Date; totalMs?: number; samples?: number } = {}) => ({
  ...{ endpoint: 'vision', at, error: null, totalMs: 2, samples: 1 },
  ...change,
});

/** A queue that fails the first `failures` times. */
function counting(failures = 0) {
  const clock = new Clock();
  const sent: TrafficMessage[] = [];
  let attempts = 0;
  const send = (message: EdgeMessage) => {
    attempts += 1;
    if (attempts <= failures) return Promise.reject(new Error('the queue is out of order'));
    sent.push(trafficMessage.parse(message));
    return Promise.resolve();
  };
  const counter = new TrafficCounter({ send }, clock.wait, clock.now);
  const count = (...requests: Counted[]): Promise<void>[] => requests.map((one) => counter.count(one));
  return { clock, sent, counter, count };
}

describe('count()', () => {
  test('adds up what came within its time and sends one message', async () => {
    const { clock, sent, count } = counting();
    const work = count(
      answered({ samples: 3 }),
      answered({ totalMs: 40 }),
      { endpoint: 'vision', at, error: 'invalid' },
      { endpoint: 'audio', at, error: 'unavailable' },
    );
    await clock.pass(limits.trafficWaitMs - 1);
    work.push(...count(answered({ at: new Date(at.getTime() + 60_000) }), answered()));
    expect(sent).toEqual([]);
    await clock.pass(1);
    await Promise.all(work);
    const next = '2026-01-02T03:05:00.000Z';
    expect(sent.map(({ counts }) => counts)).toEqual([
      [
        {
          ...{ endpoint: 'vision', at: minute, samples: 5, errors: { invalid: 1 } },
          latency: { [latencyBucket(2)]: 2, [latencyBucket(40)]: 1 },
        },
        { endpoint: 'audio', at: minute, samples: 0, errors: { unavailable: 1 }, latency: {} },
        { endpoint: 'vision', at: next, samples: 1, errors: {}, latency: { [latencyBucket(2)]: 1 } },
      ],
    ]);
    expect(sent[0]?.id.slice(0, 24)).toBe(new Date(clock.now()).toISOString());
  });

  test('begins anew after it sent, and never sends a message twice under another id', async () => {
    const { clock, sent, count } = counting(1);
    const work = count(answered());
    await clock.pass(limits.trafficWaitMs + 1000);
    work.push(...count(answered()));
    await clock.pass(limits.trafficWaitMs);
    await Promise.all(work);
    expect(sent.map(({ counts }) => counts.map(requestsOf))).toEqual([[1], [1]]);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  });

  test('sends at once what would be too much for a message, and counts every request once', async () => {
    const { clock, sent, count } = counting();
    const endpoints = Array.from({ length: maxTrafficCounts + 3 }, (_, i) => `endpoint-${i}`);
    const work = count(...[...endpoints, 'endpoint-0'].map((endpoint) => answered({ endpoint })));
    await clock.pass(0);
    expect(sent.map(({ counts }) => counts.length)).toEqual([maxTrafficCounts]);
    await clock.pass(limits.trafficWaitMs);
    await Promise.all(work);
    const all = sent.flatMap(({ counts }) => counts);
    expect(all.reduce((sum, { latency }) => sum + totalOf(latency), 0)).toBe(maxTrafficCounts + 4);
    expect(new Set(all.map(({ endpoint }) => endpoint))).toEqual(new Set(endpoints));
  });

  test('sends along what a request left behind that was ended before its time', async () => {
    const clock = new Clock();
    const sent: EdgeMessage[] = [];
    let ended = true;
    const counter = new TrafficCounter(
      { send: (message) => Promise.resolve(sent.push(message)) },
      (ms) => (ended ? new Promise(() => undefined) : clock.wait(ms)),
      clock.now,
    );
    void counter.count(answered());
    ended = false;
    await clock.pass(limits.trafficWaitMs + 1);
    expect(sent).toEqual([]);
    void counter.count(answered());
    await clock.pass(limits.trafficWaitMs);
    expect(sent).toHaveLength(2);
  });
});

test('a queue that fails is given up after a few times: counted, logged, and never thrown', async () => {
  const logged = vi.spyOn(console, 'error').mockReturnValue();
  const { clock, sent, counter, count } = counting(3);
  const work = count(answered(), answered(), { endpoint: 'vision', at, error: 'invalid' });
  await clock.pass(20_000);
  await Promise.all(work);
  expect(sent).toEqual([]);
  expect(counter.lost).toBe(3);
  expect(logged.mock.calls[0]?.[0]).toBe(
    'Cannot tell that 3 requests came, they are not counted (3 in all):',
  );
  logged.mockRestore();
  work.push(...count(answered()));
  await clock.pass(20_000);
  await Promise.all(work);
  expect(sent.flatMap(({ counts }) => counts.map(requestsOf))).toEqual([1]);
});
