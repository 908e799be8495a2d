import type { AuditList, EndpointDetail, EndpointList, KeyList, RevisionView } from '../../shared/api.ts';
import type { JobList } from '../../shared/jobs.ts';
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
