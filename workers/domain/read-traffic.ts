import { addCounts, quantileOf } from '../../shared/latency-histogram.ts';
import { requestsOf } from '../../shared/traffic-message.ts';
import type { EndpointTraffic, TrafficFigures, TrafficList, TrafficSpan } from '../../shared/traffic.ts';
import type { Database } from '../store/database.ts';
import { listEndpoints } from '../store/endpoints.ts';
import { listTraffic, sumTraffic, type Stretch, type TrafficRow } from '../store/traffic.ts';

type Counts = Pick<TrafficRow, 'samples' | 'errors' | 'latency'>;
const nothing: Counts = { samples: 0, errors: {}, latency: {} };

/** What came to an endpoint, point by point. */
export async function endpointTraffic(
  db: Database,
  { project, endpoint }: { project: string; endpoint: string },
  span: TrafficSpan,
): Promise<EndpointTraffic> {
  const byStart = new Map<string, TrafficRow[]>();
  for (const row of await listTraffic(db, { project, endpoint }, stretchOf(span))) {
    const at = span.resolution === 'day' ? `${row.at.slice(0, 10)}T00:00:00.000Z` : row.at;
    const rows = byStart.get(at);
    if (rows === undefined) byStart.set(at, [row]);
    else rows.push(row);
  }
  return {
    endpoint,
    ...span,
    points: [...byStart].map(([at, rows]) => ({ at, ...figuresOf(sum(rows)) })),
    total: figuresOf(sum([...byStart.values()].flat())),
  };
}

/** What came to each of a project's endpoints in all; `after` is the `next` of the page before. */
export async function trafficOfAll(
  db: Database,
  project: string,
  span: TrafficSpan,
  after?: string,
): Promise<TrafficList> {
  const { rows, next } = await listEndpoints(db, project, after);
  const names = rows.map(({ endpoint }) => endpoint);
  const sums = await sumTraffic(db, project, names, stretchOf(span));
  const figures = new Map(sums.map((one) => [one.endpoint, figuresOf(one)]));
  return {
    from: span.from,
    to: span.to,
    endpoints: names.map((endpoint) => ({ endpoint, ...(figures.get(endpoint) ?? figuresOf(nothing)) })),
    next,
  };
}

const stretchOf = ({ from, to, resolution }: TrafficSpan): Stretch => ({
  kept: resolution === 'minute' ? 'minute' : 'hour',
  from,
  to,
});

const sum = (rows: readonly Counts[]): Counts => ({
  samples: rows.reduce((samples, row) => samples + row.samples, 0),
  errors: addCounts(...rows.map(({ errors }) => errors)),
  // Every bucket of a sum is one of its parts', so none is undefined.
  latency: addCounts(...rows.map(({ latency }) => latency)) as Counts['latency'],
});

function figuresOf({ samples, errors, latency }: Counts): TrafficFigures {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => quantileOf(latency, quantile));
  return {
    requests: requestsOf({ errors, latency }),
    samples,
    errors,
    latencyMs: p50 == null || p95 == null || p99 == null ? null : { p50, p95, p99 },
  };
}
