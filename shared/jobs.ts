import { z } from 'zod';
import { inspection } from './inspection.ts';
import { name, sha256 } from './manifest.ts';
import { maxSources, recipe, wirings } from './recipe.ts';

// What the control API takes and answers about jobs: the people's side, then the runners'. A job is work that a runner
// does, an attempt at a time, under a lease. Everything is at least once but a completion, which is once: each claim gives
// the job a greater token, every later call carries it, and a stale one is refused with 409.

export const jobKinds = ['inspect', 'merge', 'plan'] as const;
export type JobKind = (typeof jobKinds)[number];

/** `failed` is the dead letter: its `reason` says why. The last three are final. */
export const jobStates = ['queued', 'leased', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** Which state may follow which; the database holds the same table as a trigger. */
export const jobTransitions: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['leased', 'cancelled'],
  leased: ['queued', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export const isFinal = (state: JobState): boolean => jobTransitions[state].length === 0;

/** Attempts until a job that keeps failing is a dead letter. */
export const maxAttempts = 5;
/** Milliseconds a lease holds after a claim or a heartbeat, unless the control Worker is configured otherwise. */
export const leaseMs = 60_000;

/** 32 hex digits. */
export const jobId = z.string().regex(/^[0-9a-f]{32}$/, 'must be a job id of 32 hex digits');
const time = z.iso.datetime();
const sizeBytes = z.int().min(0);

/** A version of a model or data set: `name@3`, `name@champion`, or `name` for the newest. */
export const versionRef = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}(?:@(?:[1-9]\d{0,8}|[a-z][a-z0-9._-]{0,62}))?$/,
    'must be "name", "name@3" or "name@alias"',
  );

// People's side

export const priority = z.int().min(0).max(9);

/** One network to merge, and the data it is retrained and judged on. */
export const mergeSource = z.strictObject({ task: name, model: versionRef, data: versionRef });
export type MergeSource = z.infer<typeof mergeSource>;

export const mergeRequest = z
  .strictObject({
    /** Of the bundle that comes out: it becomes the next version of this name. */
    name,
    sources: z.array(mergeSource).min(2).max(maxSources),
    recipe,
    /** Greater goes first; within one priority owners take turns. */
    priority: priority.default(0),
    /**
     * Where the bundle is meant to serve, checked when asked: `tasks` (all, when left out) are answered by it, the
     * endpoint's other tasks stay as they are.
     */
    endpoint: z.strictObject({ name, tasks: z.array(name).min(1).max(maxSources).optional() }).optional(),
    /** Whether the endpoint serves the bundle as soon as it is there. Without, the bundle is registered and nothing moves. */
    publish: z.boolean().default(false),
  })
  .refine(({ publish, endpoint }) => !publish || endpoint !== undefined, {
    error: 'must name an endpoint when publish is true',
    path: ['endpoint'],
  });
export type MergeRequest = z.infer<typeof mergeRequest>;
/** A merge as a person writes it, defaults left out. */
export type MergeRequestInput = z.input<typeof mergeRequest>;

/** What a merge would share and what that is predicted to cost, asked before anything is merged. */
export const planRequest = z.strictObject({
  sources: z.array(mergeSource).min(2).max(maxSources),
  /** Its budget only says what the curve saves first, parameters or multiply-adds: the whole curve is answered. */
  recipe,
  priority: priority.default(0),
});
export type PlanRequest = z.infer<typeof planRequest>;
/** A question for a plan as a person writes it, defaults left out. */
export type PlanRequestInput = z.input<typeof planRequest>;

/** `Idempotency-Key` of a request: the same again, with the same body, answers the same job. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters');

/** Which version is to be read. Registering a version asks for this, nobody else does. */
export const inspectRequest = z.strictObject({
  kind: z.enum(['models', 'datasets']),
  ref: versionRef,
  priority: priority.default(0),
});
export type InspectRequest = z.infer<typeof inspectRequest>;

/** How far an attempt has come. Only `stage` and `at` are always known. */
export const progress = z.strictObject({
  /** What is done now, e.g. "download", "gram", "zip", "retrain", "export", "upload". */
  stage: z.string().min(1).max(100),
  layer: z.string().max(500).optional(),
  layerIndex: z.int().min(0).optional(),
  layers: z.int().min(0).optional(),
  step: z.int().min(0).optional(),
  steps: z.int().min(0).optional(),
  /** By task. */
  losses: z.record(name, z.number()).optional(),
  /** By task, 0 to 1. */
  accuracy: z.record(name, z.number().min(0).max(1)).optional(),
  stepsPerSecond: z.number().min(0).optional(),
  etaMs: z.number().min(0).optional(),
  message: z.string().max(2000).optional(),
  at: time,
});
export type Progress = z.infer<typeof progress>;

const runner = z.strictObject({
  name: z.string().trim().min(1).max(100),
  version: z.string().trim().min(1).max(100),
  /** Execution providers it can train with, best first, e.g. ["cuda", "cpu"]. */
  providers: z.array(z.string().min(1).max(50)).min(1).max(10),
});
export type RunnerIdentity = z.infer<typeof runner>;

/** A blob from which an attempt can go on where another one ended. */
export const checkpoint = z.object({ sha256, sizeBytes, step: z.int().min(0) });
export type Checkpoint = z.infer<typeof checkpoint>;

/** What a merge led to. */
export const mergeResult = z.object({
  bundle: sha256,
  /** The registered version, `name@version`. */
  registered: z.string().nullable(),
  /** The endpoint's revision that serves it; null when nothing was published. */
  endpoint: z.object({ name, revision: z.int() }).nullable(),
  /** Blob of the report (JSON). */
  report: sha256.nullable(),
});
export type MergeResult = z.infer<typeof mergeResult>;

/** Parameters stored, and multiply-adds for all tasks on one input. */
const planSize = z.object({ parameters: z.int().min(0), macs: z.int().min(0) });

/** Most numbers in the curve of a plan, all points and groups together. */
export const maxCurveCounts = 200_000;

/** What a merge would share, from as much as the recipe allows to nothing. All sizes count what stays whole in the heads. */
export const planResult = z
  .object({
    wiring: z.enum(wirings),
    /** What each point before the others saves first. */
    of: z.enum(['parameters', 'macs']),
    /** Channels that are shared together, in the order data flows. */
    groups: z.array(
      z.object({
        name: z.string(),
        /** Channels of each network, by task. */
        widths: z.record(name, z.int().min(0)),
        /** Why none can be shared; null when they can. */
        reason: z.string().nullable(),
      }),
    ),
    /** The separate networks. */
    separate: planSize,
    /** Predicted loss, a part of the variance of the answers, and the shared channels of each group in the order of `groups`. */
    curve: z
      .array(planSize.extend({ loss: z.number().min(0), shared: z.array(z.int().min(0)) }))
      .min(1)
      .max(1000),
    /** What cannot be zipped, and why. */
    notes: z.array(z.string()),
  })
  .refine(({ groups, curve }) => curve.every(({ shared }) => shared.length === groups.length), {
    error: 'every point of the curve must have one count a group',
  });
export type PlanResult = z.infer<typeof planResult>;

/** A version as it was resolved when the job was asked for: later aliases and versions change nothing. */
export const pinnedVersion = z.object({ name, version: z.int().min(1), digest: sha256 });
export type PinnedVersion = z.infer<typeof pinnedVersion>;

const common = {
  id: jobId,
  project: name,
  /** Id of the API key (or the person) that asked. */
  owner: z.string(),
  priority,
  state: z.enum(jobStates),
  /** Attempts that ended without a result. */
  attempts: z.int().min(0),
  maxAttempts: z.int().min(1),
  /** Why it failed, was cancelled, or why its last attempt ended; null: nothing went wrong yet. */
  reason: z.string().nullable(),
  cancelRequested: z.boolean(),
  /** A retry of that job. */
  retryOf: jobId.nullable(),
  createdAt: time,
  changedAt: time,
  /** No runner gets it before. */
  notBefore: time,
  finishedAt: time.nullable(),
  /** Who works on it, or did last. */
  runner: runner.nullable(),
  leaseExpiresAt: time.nullable(),
  progress: progress.nullable(),
  checkpoint: checkpoint.nullable(),
};

export const mergeJobView = z.object({
  ...common,
  kind: z.literal('merge'),
  request: mergeRequest,
  /** In the order of the request's sources. */
  sources: z.array(z.object({ task: name, model: pinnedVersion, data: pinnedVersion })),
  result: mergeResult.nullable(),
});

export const planJobView = z.object({
  ...common,
  kind: z.literal('plan'),
  request: planRequest,
  /** In the order of the request's sources. */
  sources: z.array(z.object({ task: name, model: pinnedVersion, data: pinnedVersion })),
  result: planResult.nullable(),
});

export const inspectJobView = z.object({
  ...common,
  kind: z.literal('inspect'),
  request: inspectRequest,
  subject: pinnedVersion,
  result: inspection.nullable(),
});

export const jobView = z.discriminatedUnion('kind', [mergeJobView, inspectJobView, planJobView]);
export type JobView = z.infer<typeof jobView>;

/** Newest first; `?state=`, `?kind=` and `?owner=` narrow it. */
export const jobList = z.object({ jobs: z.array(jobView), next: z.int().nullable() });
export type JobList = z.infer<typeof jobList>;

export const jobListQuery = z.object({
  state: z.enum(jobStates).optional(),
  kind: z.enum(jobKinds).optional(),
  owner: z.string().max(200).optional(),
});
export type JobListQuery = z.infer<typeof jobListQuery>;

/**
 * One event of a job: `GET /v1/jobs/:id/events` sends them as server-sent events (`id` = `sequence`, `event` = `type`,
 * `data` = this document), `GET /v1/jobs/:id/log` as pages, oldest first. The stream ends after a final state.
 */
export const jobEvent = z.discriminatedUnion('type', [
  z.object({
    sequence: z.int(),
    at: time,
    type: z.literal('state'),
    data: z.object({
      state: z.enum(jobStates),
      attempts: z.int().min(0),
      token: z.int().min(0),
      runner: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  }),
  z.object({ sequence: z.int(), at: time, type: z.literal('progress'), data: progress }),
]);
export type JobEvent = z.infer<typeof jobEvent>;

export const jobLog = z.object({ events: z.array(jobEvent), next: z.int().nullable() });
export type JobLog = z.infer<typeof jobLog>;

// Runners' side

export const claimRequest = z.strictObject({ runner, kinds: z.array(z.enum(jobKinds)).min(1) });
export type ClaimRequest = z.infer<typeof claimRequest>;

/** A version with all that is needed to read it: its document, whose files are blobs. */
export const resolvedVersion = pinnedVersion.extend({
  document: z.looseObject({
    format: z.string(),
    files: z.array(z.looseObject({ path: z.string(), sha256, sizeBytes })),
  }),
});
export type ResolvedVersion = z.infer<typeof resolvedVersion>;

const resolvedSources = z.array(z.object({ task: name, model: resolvedVersion, data: resolvedVersion }));

/** A program that claims jobs. */
export const runnerView = z.object({
  ...runner.shape,
  kinds: z.array(z.enum(jobKinds)),
  /** `working`: it holds jobs; `waiting`: it asked for one in the last minutes; `silent`: it did not. */
  state: z.enum(['working', 'waiting', 'silent']),
  firstSeenAt: time,
  /** When it was last heard of; noted once a minute, so it may have been up to a minute later. */
  seenAt: time,
  /** What it holds now; several, where several processes go by one name. */
  jobs: z.array(jobId),
  /** Attempts that ended with a result, and those that ended without; cancelled jobs and those handed back do not count. */
  succeeded: z.int().min(0),
  failed: z.int().min(0),
});
export type RunnerView = z.infer<typeof runnerView>;

/** By name: those heard of within the last month. */
export const runnerList = z.object({ runners: z.array(runnerView), next: z.string().nullable() });
export type RunnerList = z.infer<typeof runnerList>;

const token = z.int().min(1);

/** `POST /v1/runner/claim` answers 204 when there is nothing to do: ask again in a few seconds. */
export const claimReply = z.object({
  job: jobView,
  lease: z.object({ token, expiresAt: time }),
  /** The first is 1. */
  attempt: z.int().min(1),
  /** Where an attempt before this one came to. */
  checkpoint: checkpoint.nullable(),
  inputs: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('merge'), sources: resolvedSources }),
    z.object({ kind: z.literal('plan'), sources: resolvedSources }),
    z.object({ kind: z.literal('inspect'), of: z.enum(['models', 'datasets']), version: resolvedVersion }),
  ]),
});
export type ClaimReply = z.infer<typeof claimReply>;

/** Renews the lease; `progress` becomes an event when it is sent. Every third of the lease is often enough. */
export const heartbeatRequest = z.strictObject({ token, progress: progress.optional() });
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const heartbeatReply = z.object({
  /** Stop, and call `fail`: the job becomes cancelled whatever is said then. */
  cancelRequested: z.boolean(),
  expiresAt: time,
});
export type HeartbeatReply = z.infer<typeof heartbeatReply>;

/** The blob must be stored. Renews the lease as a heartbeat does, and is answered like one. */
export const checkpointRequest = z.strictObject({ token, sha256, sizeBytes, step: z.int().min(0) });
export type CheckpointRequest = z.infer<typeof checkpointRequest>;

/**
 * The result of a merge names the manifest by its digest. The manifest's bytes are stored as a blob of that digest, like
 * the bundle's files: the control Worker checks, publishes and registers it with the completion, once.
 * Asked again with the same token it answers the same; answered with the job.
 */
export const completeRequest = z.strictObject({
  token,
  result: z.union([
    z.strictObject({ bundle: sha256, report: sha256.optional() }),
    z.strictObject({ inspection }),
    z.strictObject({ plan: planResult }),
  ]),
});
export type CompleteRequest = z.infer<typeof completeRequest>;

export const failRequest = z.strictObject({
  token,
  reason: z.string().trim().min(1).max(2000),
  /** Whether another attempt may do better; without, the job is a dead letter at once. */
  retryable: z.boolean(),
  /** The runner shuts down: the job is queued again at once, and no attempt is used up. Needs `retryable`. */
  handBack: z.boolean().default(false),
});
export type FailRequest = z.infer<typeof failRequest>;
