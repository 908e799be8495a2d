import { z } from 'zod';
import { errorStatus, type ErrorCode } from './errors.ts';
import { name } from './manifest.ts';

// Requests of endpoints, as the control API tells of them: see traffic-message.ts for what counts, and how.

const count = z.int().min(0);
export const errorCounts = z.partialRecord(
  z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]),
  count,
);

const minuteMs = 60_000;
/** Days are those of UTC. */
export const resolutions = { minute: minuteMs, hour: 60 * minuteMs, day: 1440 * minuteMs } as const;
export type Resolution = keyof typeof resolutions;

/** How long counts are kept by the minute and by the hour, in milliseconds. */
export const trafficKeptMs = { minute: 3 * resolutions.day, hour: 92 * resolutions.day } as const;

/** Points in one reply at most: a day of minutes, two months of hours. */
export const maxTrafficPoints = 1500;
/** From when, where nothing is said: so many points before the end. */
const defaultPoints: Readonly<Record<Resolution, number>> = { minute: 60, hour: 24, day: 30 };

const time = z.iso.datetime();

/** `from` is rounded down to the resolution and belongs to it, `to` (now, when left out) does not. */
export const trafficQuery = z.strictObject({
  from: time.optional(),
  to: time.optional(),
  resolution: z.enum(Object.keys(resolutions) as [Resolution, ...Resolution[]]).default('hour'),
});
export type TrafficQuery = z.input<typeof trafficQuery>;

/** A stretch of time, in points of a resolution. */
export interface TrafficSpan {
  readonly from: string;
  readonly to: string;
  readonly resolution: Resolution;
}

/** @throws {RangeError} when it ends before it begins or has more than `maxTrafficPoints` points; says so, with the numbers */
export function trafficSpan({ from, to, resolution }: z.output<typeof trafficQuery>, now: Date): TrafficSpan {
  const stepMs = resolutions[resolution];
  const end = to === undefined ? now.getTime() : Date.parse(to);
  // Without a `from`, the point that is not over yet is the last of them.
  const start = from === undefined ? end - (defaultPoints[resolution] - 1) * stepMs : Date.parse(from);
  const first = Math.floor(start / stepMs) * stepMs;
  if (end < start) throw new RangeError(`it ends at ${to ?? 'now'}, before it begins at ${from ?? ''}`);
  const points = Math.ceil((end - first) / stepMs);
  if (points > maxTrafficPoints) {
    throw new RangeError(
      `it has ${points} points of a ${resolution}, the most are ${maxTrafficPoints}: ask for less time or a coarser resolution`,
    );
  }
  return { from: new Date(first).toISOString(), to: new Date(end).toISOString(), resolution };
}

const ms = z.number().min(0);

const figures = {
  /** Answered and refused. */
  requests: count,
  /** Of answered requests: the sizes of their batches, summed. */
  samples: count,
  /** Refused requests, by why; what did not occur is left out. */
  errors: errorCounts,
  /**
   * Of answered requests, from the request being read to its answer being made; to 4.4 %, since they are counted in buckets.
   * By the Worker's clock, which the platform stops while a Worker computes: in production this is what was waited for
   * (loading, above all), under workerd on one's own machine it is all of it. Null: nothing was answered.
   */
  latencyMs: z.object({ p50: ms, p95: ms, p99: ms }).nullable(),
};
export const trafficFigures = z.object(figures);
export type TrafficFigures = z.infer<typeof trafficFigures>;

/** What came to an endpoint, in order of time; points without a request are left out. */
export const endpointTraffic = z.object({
  endpoint: name,
  from: time,
  to: time,
  resolution: z.enum(['minute', 'hour', 'day']),
  points: z.array(z.object({ at: time, ...figures })),
  total: trafficFigures,
});
export type EndpointTraffic = z.infer<typeof endpointTraffic>;

/** What came to each endpoint in all, in the pages of the list of endpoints. */
export const trafficList = z.object({
  from: time,
  to: time,
  endpoints: z.array(z.object({ endpoint: name, ...figures })),
  next: z.string().nullable(),
});
export type TrafficList = z.infer<typeof trafficList>;
