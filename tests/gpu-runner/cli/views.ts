import type { EndpointDetail, KeyView } from '../../../shared/api.ts';
import type { JobEvent, JobView } from '../../../shared/jobs.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import type { ItemView, VersionView } from '../../../shared/registry.ts';

// What a service says of things, for commands that show them.

export const at = '2026-01-02T03:04:05Z';
export const digest = (digit: string): string => digit.repeat(64);

export const itemView = (changes: Partial<ItemView> = {}): ItemView => ({
  kind: 'models',
  name: 'digit',
  latest: 3,
  versions: 3,
  aliases: { champion: 2 },
  tags: { team: 'vision' },
  owner: 'key1',
  createdAt: at,
  changedAt: at,
  card: '# Digits',
  ...changes,
});

export const versionView = (changes: Partial<VersionView> = {}): VersionView => ({
  kind: 'models',
  name: 'digit',
  version: 2,
  digest: digest('d'),
  document: {
    format: 'trunkline.model/1',
    task: 'digit',
    files: [{ path: 'digit.onnx', sha256: digest('1'), sizeBytes: 2048 }],
    labels: ['zero', 'one'],
  },
  sizeBytes: 2048,
  aliases: ['champion'],
  createdAt: at,
  createdBy: 'key1',
  ...changes,
});

export const endpointDetail = (changes: Partial<EndpointDetail> = {}): EndpointDetail => {
  const revision = (number: number, bundle: string) => ({
    revision: number,
    tasks: { digit: digest(bundle) },
    createdAt: at,
    createdBy: 'key1',
    publishedAt: at,
  });
  return {
    name: 'shop',
    ...revision(3, 'c'),
    history: [revision(3, 'c'), revision(2, 'b'), revision(1, 'a')],
    next: null,
    ...changes,
  };
};

export const keyView = (changes: Partial<KeyView> = {}): KeyView => ({
  id: '0123456789abcdef',
  name: 'portal',
  project: 'default',
  scopes: ['read'],
  createdAt: at,
  expiresAt: null,
  revokedAt: null,
  ...changes,
});

export const jobId = '0123456789abcdef'.repeat(2);

export const mergeJob = (changes: Partial<Extract<JobView, { kind: 'merge' }>> = {}): JobView => ({
  id: jobId,
  project: 'default',
  owner: 'key1',
  priority: 0,
  state: 'queued',
  attempts: 0,
  maxAttempts: 5,
  reason: null,
  cancelRequested: false,
  retryOf: null,
  createdAt: at,
  changedAt: at,
  notBefore: at,
  finishedAt: null,
  runner: null,
  leaseExpiresAt: null,
  progress: null,
  checkpoint: null,
  kind: 'merge',
  request: {
    name: 'merged',
    sources: [
      { task: 'digit', model: 'digit@champion', data: 'digits' },
      { task: 'letter', model: 'letter', data: 'letters' },
    ],
    recipe: recipeSchema.parse({
      wiring: 'one-way',
      retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 1, learningRate: 0.1 },
    }),
    priority: 0,
    publish: false,
  },
  sources: [
    {
      task: 'digit',
      model: { name: 'digit', version: 2, digest: digest('d') },
      data: { name: 'digits', version: 1, digest: digest('e') },
    },
  ],
  result: null,
  ...changes,
});

export const finished = {
  bundle: digest('f'),
  registered: 'merged@1',
  endpoint: { name: 'shop', revision: 4 },
  report: null,
};

export const stateEvent = (
  sequence: number,
  state: JobView['state'],
  reason: string | null = null,
): JobEvent => ({
  ...{ sequence, at, type: 'state' },
  data: { state, attempts: 0, token: 1, runner: state === 'queued' ? null : 'gpu-1', reason },
});

export const progressEvent = (sequence: number, step: number): JobEvent => ({
  ...{ sequence, at, type: 'progress' },
  data: {
    ...{ stage: 'retrain', layer: 'conv1', layerIndex: 0, layers: 3, step, steps: 10, at },
    losses: { digit: 0.5 },
    etaMs: 61_000,
  },
});

/** A job's events as a service streams them. */
export const eventStream = (events: readonly JobEvent[]) => ({
  headers: { 'content-type': 'text/event-stream' },
  text: `retry: 1\n\n${events
    .map((event) => `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')}`,
});
