import { z } from 'zod';
import { tensorSpec } from './manifest.ts';

// What a runner read in a registered version: the result of an `inspect` job, shown by the registry.

/** Sentences for people about what stands in the way; an empty list: nothing does. */
const problems = z.array(z.string().max(2000)).max(1000);

export const modelInspection = z.strictObject({
  format: z.literal('trunkline.inspection/1'),
  kind: z.literal('model'),
  inputs: z.array(tensorSpec),
  outputs: z.array(tensorSpec),
  parameters: z.int().min(0),
  /** Multiply-adds for one sample; null when a shape is not known. */
  macs: z.int().min(0).nullable(),
  /** How often each operator occurs, by its name. */
  operators: z.record(z.string(), z.int().min(1)),
  /** Channels that are shared together or not at all. */
  groups: z
    .array(
      z.strictObject({
        name: z.string(),
        channels: z.int().min(0),
        shareable: z.boolean(),
        /** Why not; null when it is shareable. */
        reason: z.string().nullable(),
      }),
    )
    .max(10_000),
  problems,
});
export type ModelInspection = z.infer<typeof modelInspection>;

export const datasetInspection = z.strictObject({
  format: z.literal('trunkline.inspection/1'),
  kind: z.literal('dataset'),
  samples: z.int().min(0),
  /** Of one sample, without the batch. */
  sampleDims: z.array(z.int().min(0)).max(8),
  classes: z.int().min(0),
  /** Samples of each class, in the order of the labels. */
  labelCounts: z.array(z.int().min(0)).max(100_000),
  badFiles: z.array(z.strictObject({ path: z.string(), reason: z.string() })).max(1000),
  problems,
});
export type DatasetInspection = z.infer<typeof datasetInspection>;

export const inspection = z.discriminatedUnion('kind', [modelInspection, datasetInspection]);
export type Inspection = z.infer<typeof inspection>;
