import { z } from 'zod';
import { exposureBatch } from './exposure.ts';
import { randomId } from './ids.ts';
import { totalOf } from './latency-histogram.ts';
import { name } from './manifest.ts';
import { errorCounts } from './traffic.ts';

// Requests of endpoints, counted. The edge adds up what an isolate answers and tells it in messages; the control plane adds
// the messages up and answers what there was. Every inference request of an endpoint that exists counts, experiments or
// not; shadow runs do not, and a request refused before its endpoint was known (no key, an unknown name) does not.

const count = z.int().min(0);

/** The start of a minute, UTC. */
const minute = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/, 'must be the start of a minute, as toISOString() tells it');

/** What an isolate counted of one endpoint in one minute. */
export const trafficCount = z.strictObject({
  endpoint: name,
  at: minute,
  /** Of answered requests: the sizes of their batches, summed. */
  samples: count,
  /** Refused requests, by why. */
  errors: errorCounts,
  /** Answered requests, by bucket of their latency: a `LatencyHistogram`. */
  latency: z.record(z.string().regex(/^-?\d{1,3}$/), count),
});
export type TrafficCount = z.infer<typeof trafficCount>;

/** Answered and refused. */
export const requestsOf = ({ errors, latency }: Pick<TrafficCount, 'errors' | 'latency'>): number =>
  totalOf(errors) + totalOf(latency);

/** Counts of one message: even with every bucket of each taken, it stays below what a queue takes. */
export const maxTrafficCounts = 50;

/**
 * The body of a queue message. It arrives at least once and counts once, by its id, which begins with the time it was made:
 * so ids are in order of time.
 */
export const trafficMessage = z.strictObject({
  format: z.literal('trunkline.traffic/1'),
  id: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\/[0-9a-f]{32}$/),
  counts: z.array(trafficCount).min(1).max(maxTrafficCounts),
});
export type TrafficMessage = z.infer<typeof trafficMessage>;

export const trafficMessageId = (at: Date): string => `${at.toISOString()}/${randomId()}`;

/** What the edge tells the control plane: bodies of the messages of one queue. */
export const edgeMessage = z.discriminatedUnion('format', [exposureBatch, trafficMessage]);
export type EdgeMessage = z.infer<typeof edgeMessage>;
