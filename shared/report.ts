import { z } from 'zod';
import { name, sha256 } from './manifest.ts';
import { storages } from './recipe.ts';

/**
 * What is known about a bundle and how it came to be: for programs as it is, for people as the page that is rendered from
 * it. Nearly everything is optional, and what nobody measured is left out. Shares and accuracies are from 0 to 1.
 */

const share = z.number().min(0).max(1);
const count = z.int().min(0);
const perTask = <T extends z.ZodType>(value: T) => z.record(name, value);
const step = z.number().min(0);

/** The same figure for the separate networks together and for the bundle. */
export const comparison = z.strictObject({ separate: z.number().min(0), zipped: z.number().min(0) });
export type Comparison = z.infer<typeof comparison>;

/** Counts of samples: a row each true label, a column each answer. */
const matrix = z.array(z.array(count)).min(1).max(1024);

const agreement = z.strictObject({ share, samples: z.int().min(1) });
export type Agreement = z.infer<typeof agreement>;

/** Files and rows of a task's data that are named at most. */
export const maxLeftOut = 1000;

const task = z.strictObject({
  task: name,
  /** The network it was zipped from. */
  source: z
    .strictObject({
      name: z.string(),
      sha256: sha256.optional(),
      /** What it was trained on. */
      dataset: z.string().optional(),
      /** Optimiser steps it was trained for. */
      iterations: count.optional(),
    })
    .optional(),
  labels: z.array(z.string()).default([]),
  /** What it was zipped and retrained on, and what was held out. */
  samples: z.strictObject({ train: count, validation: count }).optional(),
  /** Share of held-out samples answered right by the source network, and by the bundle. */
  accuracy: z.strictObject({ before: share, after: share, samples: z.int().min(1) }).optional(),
  /** Where no labels say what is right: share of samples (held out, if any are) the bundle answers as the source network. */
  agreement: agreement.optional(),
  /** Of the source network, and of the bundle, on the same samples. */
  confusion: z.strictObject({ before: matrix.optional(), after: matrix.optional() }).optional(),
  /** Multiply-adds of one sample when only this task is asked. */
  macs: comparison.optional(),
  /** Of its data: files and rows that could not be read. */
  leftOut: z
    .strictObject({
      count: z.int().min(1),
      first: z.array(z.strictObject({ path: z.string(), reason: z.string() })).max(maxLeftOut),
    })
    .optional(),
});
export type TaskReport = z.infer<typeof task>;

/** Channels that the same tasks use: of one task its own, of several shared. */
const block = z.strictObject({ tasks: z.array(name).min(1), channels: count });
export type ChannelBlock = z.infer<typeof block>;

/** Channels that are shared together, in the order data flows. */
const group = z.strictObject({
  name: z.string(),
  /** Layers that make these channels, where they are more than the one in the name. */
  layers: z.array(z.string()).default([]),
  /** Channels of each source network. */
  widths: perTask(z.int().min(0)),
  /** What became of them. */
  blocks: z.array(block),
  /** Predicted second-order loss of the sharing. */
  cost: z.number().min(0).optional(),
  /** Stored weights that make these channels. */
  bytes: comparison.optional(),
  /** For all tasks on one sample. */
  macs: comparison.optional(),
});
export type GroupReport = z.infer<typeof group>;

/** Bytes stored, multiply-adds for all tasks on one sample, and a loss: a part of the variance of the answers. */
const sizeAndLoss = z.strictObject({ bytes: count, macs: count.optional(), loss: z.number() });

const tradeoff = z.strictObject({
  /** What the plans of the curve save first, the loss falling as it grows: it is drawn against these. */
  of: z.enum(['bytes', 'macs']).default('bytes'),
  /** What the plan expects of every budget, before retraining. */
  predicted: z.array(sizeAndLoss).max(10_000),
  /** What was measured: how far answers are from the separate networks', on the same scale. */
  measured: z
    .array(sizeAndLoss.extend({ label: z.string().optional() }))
    .max(1000)
    .default([]),
  /** The budget that was asked for, in what it leaves of bytes or multiply-adds. */
  budgetBytes: count.optional(),
  budgetMacs: count.optional(),
  /** What the bundle was predicted to lose, floors having changed the plan or not. */
  chosen: sizeAndLoss.optional(),
});
export type TradeoffReport = z.infer<typeof tradeoff>;

const retraining = z.strictObject({
  /** Optimiser steps altogether. */
  iterations: count,
  seconds: z.number().min(0).optional(),
  /** Losses by task; `stage` is what was retrained after, e.g. the layer that had just been shared. */
  history: z
    .array(z.strictObject({ step, stage: z.string().optional(), losses: perTask(z.number()) }))
    .max(200_000)
    .default([]),
  validation: z
    .array(z.strictObject({ step, stage: z.string().optional(), accuracy: perTask(share) }))
    .max(10_000)
    .default([]),
  /** Losses on validation samples, where early stopping goes by them. */
  validationLosses: z
    .array(z.strictObject({ step, stage: z.string().optional(), losses: perTask(z.number()) }))
    .max(10_000)
    .optional(),
  /** Accuracy that each task must keep. */
  floors: perTask(share).default({}),
  /** What did not go as planned. */
  events: z
    .array(
      z.strictObject({
        step: step.optional(),
        kind: z.enum(['rollback', 'floor', 'early-stop', 'resume', 'note']),
        message: z.string(),
      }),
    )
    .max(10_000)
    .default([]),
});
export type RetrainingReport = z.infer<typeof retraining>;

const quantisation = z.strictObject({
  storage: z.enum(storages),
  /** How the ranges of activations were chosen. */
  method: z.string().optional(),
  calibrationSamples: count.optional(),
  /** Layers that compute on integers. */
  quantised: count.optional(),
  /** What stays float32, and why. */
  excluded: z.array(z.strictObject({ part: z.string(), layer: z.string(), reason: z.string() })).default([]),
  /** Against the float32 bundle. */
  error: perTask(
    z.strictObject({ relative: z.number().min(0), maxAbs: z.number().min(0), agreement: share }),
  ).default({}),
  accuracy: perTask(z.strictObject({ before: share, after: share, samples: z.int().min(1) })).default({}),
  bytes: z.strictObject({ float32: count, stored: count }).optional(),
});
export type QuantisationReport = z.infer<typeof quantisation>;

export const report = z
  .strictObject({
    format: z.literal('trunkline.report/1'),
    name: z.string().min(1),
    createdAt: z.iso.datetime(),
    tasks: z.array(task).min(1).max(64),
    /** As it was asked for: any recipe, of any version. */
    recipe: z.json().optional(),
    wiring: z.string().optional(),
    /** Groups of channels from the input on. */
    plan: z.array(group).max(5000).default([]),
    tradeoff: tradeoff.optional(),
    retraining: retraining.optional(),
    figures: z
      .strictObject({
        bytes: comparison.optional(),
        parameters: comparison.optional(),
        /** All tasks on one sample. */
        macs: comparison.optional(),
        /** Median of one sample and all tasks in ONNX Runtime alone, on the machine that `environment` names. */
        latencyMs: comparison.optional(),
        /** ONNX Runtime Web's WebAssembly memory: estimated from the bytes of the weights, or measured. */
        heapBytes: comparison.optional(),
        /** Training of the sources, and retraining. */
        iterations: comparison.optional(),
      })
      .default({}),
    quantisation: quantisation.optional(),
    /** What could not be zipped, and why: of all networks, or of one task's. */
    unzipped: z
      .array(z.strictObject({ what: z.string(), reason: z.string(), task: name.optional() }))
      .default([]),
    notes: z.array(z.string()).default([]),
    environment: z
      .strictObject({
        machine: z.string().optional(),
        versions: z.record(z.string(), z.string()).default({}),
        seconds: z.number().min(0).optional(),
      })
      .optional(),
  })
  .check((ctx) => {
    for (const message of contradictions(ctx.value))
      ctx.issues.push({ code: 'custom', message, input: ctx.value });
  });
export type Report = z.infer<typeof report>;
/** A report as it is written, defaults left out. */
export type ReportInput = z.input<typeof report>;

/** The blocks of a group that shares `shared` channels among all of its tasks. */
export const blocksOf = (widths: Readonly<Record<string, number>>, shared: number): ChannelBlock[] =>
  [
    { tasks: Object.keys(widths), channels: shared },
    ...Object.entries(widths).map(([one, width]) => ({ tasks: [one], channels: width - shared })),
  ].filter(({ channels }) => channels > 0);

/** What a valid shape still leaves wrong. */
function contradictions({ tasks, plan }: Pick<Report, 'tasks' | 'plan'>): string[] {
  const complaints: string[] = [];
  const known = new Set(tasks.map((one) => one.task));
  if (known.size < tasks.length) complaints.push('two tasks have the same name');
  for (const { task: of, labels, confusion } of tasks) {
    const matrices = [confusion?.before, confusion?.after].filter((one) => one !== undefined);
    const sizes = matrices.flatMap((one) => [one.length, ...one.map((row) => row.length)]);
    if (new Set(labels.length > 0 ? [labels.length, ...sizes] : sizes).size > 1)
      complaints.push(`the confusion of "${of}" is not square, or not of its ${labels.length} labels`);
  }
  for (const { name: of, blocks, widths } of plan) {
    const strange = [...blocks.flatMap((one) => one.tasks), ...Object.keys(widths)].find(
      (one) => !known.has(one),
    );
    if (strange !== undefined) complaints.push(`group "${of}" names "${strange}", which is not a task`);
    for (const [one, width] of Object.entries(widths)) {
      const kept = blocks.reduce(
        (sum, { tasks: by, channels }) => sum + (by.includes(one) ? channels : 0),
        0,
      );
      if (kept !== width)
        complaints.push(`group "${of}" has ${width} channels of "${one}", its blocks ${kept}`);
    }
  }
  return complaints;
}
