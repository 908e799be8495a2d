import type { ErrorCode } from '../../../../../shared/errors.ts';
import {
  resolutions,
  type EndpointTraffic,
  type Resolution,
  type TrafficFigures,
} from '../../../../../shared/traffic.ts';
import type { Point } from '../../charts/extent.ts';
import { formatDuration, formatExact, formatPercent } from '../../ui/format.ts';

/** A stretch of time to look at: so many points of a resolution, the one that is not over yet among them. */
export interface Range {
  readonly id: string;
  readonly label: string;
  readonly resolution: Resolution;
  readonly points: number;
  /** What the axis counts in, in milliseconds, from local midnight: its ticks then are at round times. */
  readonly unitMs: number;
}

export const ranges: readonly Range[] = [
  { id: 'hour', label: 'Last hour', resolution: 'minute', points: 60, unitMs: resolutions.minute },
  { id: 'day', label: 'Last 24 hours', resolution: 'hour', points: 24, unitMs: resolutions.hour },
  { id: 'week', label: 'Last 7 days', resolution: 'hour', points: 168, unitMs: resolutions.day },
];

/** From when a range reaches to `now`, both in milliseconds. */
export const startOf = ({ resolution, points }: Pick<Range, 'resolution' | 'points'>, now: number): string =>
  new Date(now - (points - 1) * resolutions[resolution]).toISOString();

/** Lines to draw, and what their x means: a number of `unitMs` since `originMs`. */
export interface TrafficLines {
  readonly originMs: number;
  readonly answered: readonly Point[];
  readonly refused: readonly Point[];
  readonly p50: readonly Point[];
  readonly p95: readonly Point[];
}

/** A point for each minute or hour, those without a request too: there was none then, and no latency. */
export function linesOf({ from, to, resolution, points }: EndpointTraffic, unitMs: number): TrafficLines {
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  const originMs = midnight.getTime();
  const byTime = new Map(points.map((point) => [Date.parse(point.at), point]));
  const lines = { answered: [] as Point[], refused: [] as Point[], p50: [] as Point[], p95: [] as Point[] };
  for (let at = Date.parse(from); at < Date.parse(to); at += resolutions[resolution]) {
    const x = (at - originMs) / unitMs;
    const point = byTime.get(at);
    const refused = point === undefined ? 0 : refusedOf(point);
    lines.answered.push({ x, y: (point?.requests ?? 0) - refused });
    lines.refused.push({ x, y: refused });
    lines.p50.push({ x, y: point?.latencyMs?.p50 ?? null });
    lines.p95.push({ x, y: point?.latencyMs?.p95 ?? null });
  }
  return { originMs, ...lines };
}

/** "14:20" within a day, "Thu 26" and "Thu 14:00" over several; local. */
export function formatMoment(at: number, unitMs: number): string {
  const moment = new Date(at);
  const time = moment.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (unitMs < resolutions.day) return time;
  const day = moment.toLocaleDateString('en-GB', { weekday: 'short' });
  return `${day} ${time === '00:00' ? moment.getDate() : time}`;
}

export const refusedOf = ({ errors }: Pick<TrafficFigures, 'errors'>): number =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);

/** "unavailable 3, invalid 1", most first; empty: none. */
export const errorsText = (errors: Partial<Record<ErrorCode, number>>): string =>
  Object.entries(errors)
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} ${formatExact(count)}`)
    .join(', ');

/** Of all requests, those that were refused: "0", "0.50 %", "< 0.01 %". */
export function errorRate(figures: Pick<TrafficFigures, 'errors' | 'requests'>): string {
  const refused = refusedOf(figures);
  if (refused === 0) return '0';
  const share = refused / figures.requests;
  return share < 0.0001 ? `< ${formatPercent(0.0001)}` : formatPercent(share);
}

/** "2.10 ms", or that nothing was answered. */
export const latencyText = ({ latencyMs }: TrafficFigures, quantile: 'p50' | 'p95' | 'p99'): string =>
  latencyMs === null ? '–' : formatDuration(latencyMs[quantile]);
