import { latencyBucket } from '../../shared/latency-histogram.ts';
import { trafficMessageId, type TrafficCount, type TrafficMessage } from '../../shared/traffic-message.ts';

export const minuteOf = (at: Date): string => `${at.toISOString().slice(0, 16)}:00.000Z`;

/** Three answered requests of endpoint `vision`, two of 2 ms and one of 40 ms, and one that was refused. */
export const countOf = (change: Partial<TrafficCount> = {}): TrafficCount => ({
  endpoint: 'vision',
  at: '2026-01-02T03:04:00.000Z',
  samples: 5,
  errors: { invalid: 1 },
  latency: { [latencyBucket(2)]: 2, [latencyBucket(40)]: 1 },
  ...change,
});

/** A message of its own, made at that time. */
export const messageOf = (
  change: Partial<TrafficCount> = {},
  at = new Date('2026-01-02T03:04:05.000Z'),
): TrafficMessage => ({
  format: 'trunkline.traffic/1',
  id: trafficMessageId(at),
  counts: [countOf(change)],
});
