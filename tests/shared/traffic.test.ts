import { describe, expect, test } from 'vitest';
import { errorStatus } from '../../shared/errors.ts';
import { latencyBucket } from '../../shared/latency-histogram.ts';
import {
  edgeMessage,
  maxTrafficCounts,
  trafficMessage,
  trafficMessageId,
} from '../../shared/traffic-message.ts';
import { trafficQuery, trafficSpan, type TrafficQuery } from '../../shared/traffic.ts';
import { exposureOf } from './exposures.ts';
import { countOf, messageOf } from './traffic.ts';

test('messages of both kinds go through one queue and are told apart', () => {
  expect(edgeMessage.parse(messageOf())).toMatchObject({ format: 'trunkline.traffic/1' });
  const exposures = { format: 'trunkline.exposures/1', exposures: [exposureOf()] };
  expect(edgeMessage.parse(exposures)).toEqual(exposures);
  expect(edgeMessage.safeParse({ format: 'trunkline.traffic/2' }).success).toBe(false);
});

test('the fullest message a counter may send is smaller than what a queue takes', () => {
  const buckets = Array.from({ length: 400 }, (_, i) => latencyBucket(2 ** ((i - 150) / 8)));
  const full = countOf({
    endpoint: 'e'.repeat(63),
    samples: 99_999,
    errors: Object.fromEntries(Object.keys(errorStatus).map((code) => [code, 99_999])),
    latency: Object.fromEntries(buckets.map((bucket) => [bucket, 9_999])),
  });
  const counts = Array.from({ length: maxTrafficCounts }, () => full);
  const message = trafficMessage.parse({ ...messageOf(), counts });
  expect(JSON.stringify(message).length).toBeLessThan(128_000 - 100);
  expect(trafficMessage.safeParse({ ...messageOf(), counts: [...counts, full] }).success).toBe(false);
});

test('ids of messages are in order of time', () => {
  const times = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05.001Z', '2026-11-02T03:04:05.000Z'];
  const ids = times.map((at) => trafficMessageId(new Date(at)));
  expect(ids.toSorted()).toEqual(ids);
});

test.each([
  ['at', { at: '2026-01-02T03:04:05.000Z' }],
  ['at', { at: '2026-01-02T03:04Z' }],
  ['errors', { errors: { odd: 1 } }],
  ['latency', { latency: { '1.5': 1 } }],
  ['samples', { samples: -1 }],
])('a count whose %s is wrong is refused', (_, change) => {
  const message = { ...messageOf(), counts: [{ ...countOf(), ...change }] };
  expect(trafficMessage.safeParse(message).success).toBe(false);
});

describe('trafficSpan()', () => {
  const now = new Date('2026-01-02T03:04:05.678Z');
  const spanOf = (query: TrafficQuery) => trafficSpan(trafficQuery.parse(query), now);

  test('is the last hour, day or month when nothing is said', () => {
    const to = now.toISOString();
    expect(spanOf({})).toEqual({ resolution: 'hour', from: '2026-01-01T04:00:00.000Z', to });
    const minutes = { resolution: 'minute', from: '2026-01-02T02:05:00.000Z', to };
    expect(spanOf({ resolution: 'minute' })).toEqual(minutes);
    const days = { resolution: 'day', from: '2025-12-04T00:00:00.000Z', to };
    expect(spanOf({ resolution: 'day' })).toEqual(days);
  });

  test('begins where a point does', () => {
    const from = '2026-01-01T23:59:59.999Z';
    expect(spanOf({ from, resolution: 'minute' }).from).toBe('2026-01-01T23:59:00.000Z');
    expect(spanOf({ from, resolution: 'hour' }).from).toBe('2026-01-01T23:00:00.000Z');
    expect(spanOf({ from, resolution: 'day' }).from).toBe('2026-01-01T00:00:00.000Z');
  });

  test('refuses an end before its beginning, and too many points, with the numbers', () => {
    expect(() => spanOf({ from: '2026-01-03T00:00:00Z' })).toThrow(
      'it ends at now, before it begins at 2026-01-03T00:00:00Z',
    );
    expect(() => spanOf({ from: '2025-12-01T00:00:00Z', resolution: 'minute' })).toThrow(
      'it has 46265 points of a minute, the most are 1500',
    );
  });
});
