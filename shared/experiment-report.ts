import { z } from 'zod';
import { decision, experimentStates, guardrail } from './experiment.ts';
import { exposureReasons } from './exposure.ts';
import { name } from './manifest.ts';

// What GET /v1/experiments/:name/report answers. Fractions are 0 to 1. Null stands for what is not known yet: a mean
// without numbers, an end of an interval that is still infinite.

const time = z.iso.datetime();
const figure = z.number().nullable();
const interval = z.object({ low: figure, high: figure });
/** A mean, and the units it rests on. */
const estimate = z.object({ value: figure, units: z.int() });
const byArm = z.record(name, z.int());

/** One task of one arm against the default arm. */
const taskRow = z.object({
  task: name,
  arm: name,
  baseline: estimate,
  candidate: estimate,
  /** Candidate - baseline; all intervals of the table hold together, however often one looks. */
  difference: figure,
  interval,
  /** The one-sided bounds that the verdict rests on. */
  bounds: interval,
  margin: z.number(),
  verdict: z.enum(['non-inferior', 'inferior', 'undecided']),
  /** Units of both arms still to come, if the difference stays as it is; null: no number will do, or nothing is known. */
  unitsStillNeeded: figure,
});

/** A cost a request against the default arm's: -0.4 is two fifths less. */
const costRow = z.object({
  arm: name,
  cost: z.string(),
  baseline: estimate,
  candidate: estimate,
  change: figure,
  interval,
});

const quantileRow = z.object({
  arm: name,
  quantile: z.number(),
  ms: figure,
  interval,
  /** Against the default arm's; null for itself. */
  change: z.object({ value: figure, ...interval.shape }).nullable(),
});

/** What one arm holds and computes when every task is asked, by its manifests. Bundles shared by tasks count once. */
const armSize = z.object({
  bundles: z.int(),
  bytes: z.int(),
  parameters: z.int(),
  /** Multiply-adds for one sample. */
  macs: z.int(),
});

export const experimentReport = z.object({
  experiment: name,
  endpoint: name,
  state: z.enum(experimentStates),
  version: z.int(),
  /** Of the units that are compared. */
  revision: z.int(),
  coverage: z.number(),
  at: time,
  /** How it stands, in a sentence or two. */
  verdict: z.string(),
  /** What the rule would do now. */
  action: z.object({
    kind: z.enum(['roll-back', 'hold', 'advance', 'ship', 'keep-running']),
    reason: z.string(),
  }),
  decision: decision.nullable(),
  defaultArm: name,
  units: byArm,
  tasks: z.array(taskRow),
  costs: z.array(costRow),
  latency: z.array(quantileRow),
  guardrails: z.array(
    z.object({
      arm: name,
      guardrail,
      /** The harm is at least this much, surely. */
      atLeast: figure,
      limit: z.number(),
      breached: z.boolean(),
    }),
  ),
  /** Sample-ratio mismatch: units first seen in each phase, against its slots. */
  phases: z.array(
    z.object({
      phase: z.int(),
      coverage: z.number(),
      startedAt: time,
      endedAt: time.nullable(),
      units: byArm,
      pValue: z.number(),
      alarm: z.boolean(),
    }),
  ),
  multipleExposure: z.object({ units: z.int(), share: z.number(), alarm: z.boolean() }),
  /** By task: whether outcomes get lost in one arm more than in another. */
  missingOutcomes: z.record(name, z.object({ pValue: z.number(), alarm: z.boolean() })),
  /** Requests of every kind; only the assigned are compared. */
  requests: z.array(
    z.object({
      arm: name,
      reason: z.enum(exposureReasons),
      requests: z.int(),
      /** Of them, those that had to load something first. */
      cold: z.int(),
      /** Of them, those refused, by error code. */
      errors: z.record(z.string(), z.int()),
    }),
  ),
  shadows: z.array(
    z.object({
      arm: name,
      shadow: name,
      requests: z.int(),
      failed: z.int(),
      meanMs: figure,
      bytesLoaded: z.int(),
      tasks: z.array(
        z.object({
          task: name,
          samples: z.int(),
          /** Samples whose largest output is at the same place, 0 to 1. */
          top1Agreement: figure,
          maxDifference: z.number(),
          meanKl: figure,
        }),
      ),
    }),
  ),
  sizes: z.record(name, armSize),
  /** Against the default arm: 0.45 is 45 % less. Measured where the name says so, by the manifests otherwise. */
  saved: z.array(
    z.object({
      arm: name,
      bytes: figure,
      macs: figure,
      parameters: figure,
      measuredLatency: figure,
      measuredHeap: figure,
      measuredBytesLoaded: figure,
    }),
  ),
  /** Differences over time, to draw: a point each time the rule said something new or units had grown by a twentieth. */
  curve: z.array(
    z.object({
      at: time,
      version: z.int(),
      action: z.string(),
      reason: z.string(),
      units: byArm,
      comparisons: z.array(z.object({ arm: name, task: name, value: figure, low: figure, high: figure })),
    }),
  ),
});
export type ExperimentReport = z.infer<typeof experimentReport>;
