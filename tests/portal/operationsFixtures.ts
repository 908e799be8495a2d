import type { AuditList, EndpointDetail, EndpointList, KeyList, RevisionView } from '../../shared/api.ts';
import type { JobList, RunnerList } from '../../shared/jobs.ts';
import {
  resolutions,
  type EndpointTraffic,
  type Resolution,
  type TrafficList,
} from '../../shared/traffic.ts';
import type { Handlers } from './mockPlatform.ts';
import { ago, digest } from './registryFixtures.ts';

const revision = (number: number): RevisionView => ({
  revision: number,
  tasks: { digit: digest(number), fashion: digest(number + 1) },
  createdAt: ago(60 * (5 - number)),
  createdBy: '0123456789abcdef',
  publishedAt: ago(60 * (5 - number)),
});

const common = {
  project: 'default',
  owner: '0123456789abcdef',
  priority: 0,
  attempts: 0,
  maxAttempts: 5,
  reason: null,
  cancelRequested: false,
  retryOf: null,
  createdAt: ago(30),
  changedAt: ago(1),
  notBefore: ago(30),
  finishedAt: null,
  leaseExpiresAt: null,
  progress: null,
  checkpoint: null,
} as const;

const jobs: JobList['jobs'] = [
  {
    ...common,
    id: '0'.repeat(31) + '1',
    kind: 'inspect',
    state: 'leased',
    request: { kind: 'models', ref: 'digit@3', priority: 0 },
    subject: { name: 'digit', version: 3, digest: digest(3) },
    result: null,
    runner: { name: 'gpu-1', version: '0.1.0', providers: ['cuda', 'cpu'] },
    progress: { stage: 'zip', layer: 'conv2', step: 40, steps: 120, at: ago(1) },
  },
  {
    ...common,
    id: '0'.repeat(31) + '2',
    kind: 'inspect',
    state: 'queued',
    request: { kind: 'datasets', ref: 'digit-data@3', priority: 0 },
    subject: { name: 'digit-data', version: 3, digest: digest(4) },
    result: null,
    runner: null,
  },
];

const seen = { firstSeenAt: ago(6000), version: '0.1.0', jobs: [] };
const runners: RunnerList['runners'] = [
  {
    ...seen,
    ...{ name: 'gpu-1', providers: ['cuda', 'cpu'], kinds: ['merge', 'plan', 'inspect'], state: 'working' },
    ...{ seenAt: ago(1), jobs: ['0'.repeat(31) + '1'], succeeded: 41, failed: 2 },
  },
  {
    ...seen,
    ...{ name: 'laptop', providers: ['cpu'], kinds: ['inspect'], state: 'waiting' },
    ...{ seenAt: ago(2), succeeded: 1203, failed: 0 },
  },
  {
    ...seen,
    ...{ name: 'old-gpu', providers: ['cuda'], kinds: ['merge'], state: 'silent', seenAt: ago(4000) },
    ...{ succeeded: 0, failed: 3 },
  },
];

/** More by day than by night, now and then an error, and nothing at all in some minutes. */
function trafficOf(url: URL, endpoint: string): EndpointTraffic {
  const resolution = url.searchParams.get('resolution') as Resolution;
  const from = Date.parse(url.searchParams.get('from') ?? '');
  const to = new Date().toISOString();
  const points: EndpointTraffic['points'] = [];
  for (let at = from; at < Date.parse(to); at += resolutions[resolution]) {
    const place = points.length + 1;
    const requests = Math.round((400 + 300 * Math.sin(place / 6)) * (resolutions[resolution] / 60_000));
    const unavailable = place % 9 === 0 ? 12 : 0;
    points.push({
      at: new Date(at).toISOString(),
      ...{ requests, samples: 2 * requests, errors: unavailable > 0 ? { unavailable } : {} },
      latencyMs: { p50: 2 + Math.sin(place / 9), p95: 5 + Math.sin(place / 5), p99: 9 },
    });
  }
  const kept = points.filter((_, i) => i % 11 !== 5);
  const sum = (key: 'requests' | 'samples'): number => kept.reduce((all, point) => all + point[key], 0);
  const total = {
    ...{ requests: sum('requests'), samples: sum('samples'), errors: { unavailable: 60, invalid: 7 } },
    latencyMs: { p50: 2.1, p95: 5.4, p99: 9.2 },
  };
  return { endpoint, from: new Date(from).toISOString(), to, resolution, points: kept, total };
}

/** What endpoints, the queue, keys and the audit log answer. */
export const operationsHandlers: Handlers = {
  'GET /v1/endpoints': () =>
    ({
      endpoints: [
        { name: 'both', ...revision(2) },
        { name: 'separate', ...revision(1), publishedAt: null },
      ],
      next: null,
    }) satisfies EndpointList,
  'GET /v1/endpoints/:name': ({ params: [name = ''] }) =>
    ({ name, ...revision(2), history: [revision(2), revision(1)], next: null }) satisfies EndpointDetail,
  'GET /v1/endpoints/:name/traffic': ({ url, params: [name = ''] }) => trafficOf(url, name),
  'GET /v1/traffic': ({ url }) => {
    const { total, from, to } = trafficOf(url, 'both');
    const quiet = { requests: 0, samples: 0, errors: {}, latencyMs: null };
    const endpoints = [
      { endpoint: 'both', ...total },
      { endpoint: 'separate', ...quiet },
    ];
    return { from, to, endpoints, next: null } satisfies TrafficList;
  },
  'GET /v1/runners': () => ({ runners, next: null }) satisfies RunnerList,
  'GET /v1/jobs': ({ url }) => {
    const [state, kind] = [url.searchParams.get('state'), url.searchParams.get('kind')];
    const rows = jobs.filter(
      (job) => (state === null || job.state === state) && (kind === null || job.kind === kind),
    );
    return { jobs: rows, next: null } satisfies JobList;
  },
  'GET /v1/bundles': () => ({ items: [], next: null }),
  'GET /v1/experiments': () => ({ experiments: [], next: null }),
  'GET /v1/keys': () =>
    ({
      keys: [
        {
          id: '0123456789abcdef',
          name: 'npm start',
          project: 'default',
          scopes: ['infer', 'outcome', 'read', 'write', 'runner', 'admin'],
          createdAt: ago(600),
          expiresAt: null,
          revokedAt: null,
        },
        {
          id: 'fedcba9876543210',
          name: 'old laptop',
          project: 'default',
          scopes: ['read'],
          createdAt: ago(6000),
          expiresAt: ago(-6000),
          revokedAt: ago(100),
        },
      ],
      next: null,
    }) satisfies KeyList,
  'GET /v1/audit': ({ url }) =>
    ({
      entries: Array.from({ length: 12 }, (_, at) => ({
        at: ago(at * 7),
        actor: '0123456789abcdef',
        action: at % 2 === 0 ? 'endpoint.set' : 'version.registered',
        subject: at % 2 === 0 ? 'both' : 'models/digit@3',
        detail: { revision: 12 - at, tasks: { digit: digest(at) } },
      })),
      next: url.searchParams.has('cursor') ? null : 12,
    }) satisfies AuditList,
};
