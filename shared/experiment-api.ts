import { z } from 'zod';
import { experiment, experimentStates } from './experiment.ts';
import { requestId } from './exposure.ts';
import { name } from './manifest.ts';

// What the control API takes and answers about experiments; see api.ts for the rest and for how lists are paged.

const time = z.iso.datetime();
const analysed = experiment.shape;

/** An experiment as a person writes it. What is left out has its default, in an edit too. */
export const experimentRequest = z.strictObject({
  endpoint: analysed.endpoint,
  unit: analysed.unit,
  layer: analysed.layer.default(null),
  /** The first step of the ramp for a new experiment, what it is for an edited one. */
  coverage: analysed.coverage.optional(),
  arms: analysed.arms,
  defaultArm: analysed.defaultArm,
  shadow: analysed.shadow.default(null),
  margins: analysed.margins,
  alpha: analysed.alpha,
  plannedUnits: analysed.plannedUnits,
  guardrails: analysed.guardrails.default([]),
  ramp: analysed.ramp,
});
export type ExperimentRequest = z.infer<typeof experimentRequest>;

const reason = z.string().trim().min(1).max(1000);
/** The arm the endpoint serves from now on, and why. */
export const decideRequest = z.strictObject({ arm: name, reason });
export const rollBackRequest = z.strictObject({ reason });

export const experimentView = z.object({
  ...experiment.shape,
  changedAt: time,
  changedBy: z.string(),
  /** When the edge was told; null for a draft, and until it was: the schedule repeats what failed. */
  publishedAt: time.nullable(),
});
export type ExperimentView = z.infer<typeof experimentView>;

export const experimentList = z.object({ experiments: z.array(experimentView), next: z.string().nullable() });
export type ExperimentList = z.infer<typeof experimentList>;

/** One version of its history; `next` pages through them. */
const versionView = z.object({
  version: z.int(),
  state: z.enum(experimentStates),
  step: z.string(),
  reason: z.string().nullable(),
  at: time,
  by: z.string(),
});
export const experimentDetail = experimentView.extend({
  history: z.array(versionView),
  next: z.int().nullable(),
});
export type ExperimentDetail = z.infer<typeof experimentDetail>;

/** What the rule said, and the experiment after it was followed. */
export const evaluationView = z.object({
  action: z.enum(['roll-back', 'hold', 'advance', 'ship', 'keep-running']),
  reason: z.string(),
  experiment: experimentView,
});
export type EvaluationView = z.infer<typeof evaluationView>;

const truthOrReward = {
  task: name,
  /** The right class, or one a sample of the request. */
  truth: z.union([z.int().min(0), z.array(z.int().min(0)).min(1).max(256)]).optional(),
  /** 0 to 1. */
  reward: z.number().min(0).max(1).optional(),
  /** When it was known; when it arrives, if left out. */
  at: time.optional(),
};
const oneOfBoth = ({ truth, reward }: { truth?: unknown; reward?: unknown }): boolean =>
  (truth === undefined) !== (reward === undefined);
const needsOne = { error: 'must have a truth or a reward, not both' };

/** What came of a request, or of a unit of an endpoint, for one task. */
export const outcome = z.union([
  z.strictObject({ requestId, ...truthOrReward }).refine(oneOfBoth, needsOne),
  z
    .strictObject({ endpoint: name, unit: z.string().min(1).max(256), ...truthOrReward })
    .refine(oneOfBoth, needsOne),
]);
export type Outcome = z.infer<typeof outcome>;

export const outcomesRequest = z.union([
  outcome,
  z.strictObject({ outcomes: z.array(outcome).min(1).max(1000) }),
]);

/** The first outcome of a request or unit and task stands; the same again is harmless, another one is told. */
export const outcomesReply = z.object({
  accepted: z.int(),
  repeated: z.int(),
  /** Positions in the list of those that say otherwise than before; they changed nothing. */
  contradicted: z.array(z.int()),
});
export type OutcomesReply = z.infer<typeof outcomesReply>;

export const replayReply = z.object({
  /** Messages counted now, and the requests in them that were new. */
  replayed: z.int(),
  requests: z.int(),
  /** Messages nobody can read, kept: why, by their key. */
  unreadable: z.record(z.string(), z.string()),
  /** Where to go on, sent as `?cursor=`; null when that was all. */
  next: z.string().nullable(),
});
export type ReplayReply = z.infer<typeof replayReply>;
