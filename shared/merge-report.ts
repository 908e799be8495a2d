import { z } from 'zod';
import { accuracy, name, sha256, sharingRecord } from './manifest.ts';

// What a merge did and what it took, beside the bundle: stored as a blob, shown by the portal and the command line.
// Unlike the bundle it holds times, so that the same merge again has another report.

const beforeAfter = z.strictObject({ before: z.number().min(0), after: z.number().min(0) });

export const mergeReport = z.strictObject({
  format: z.literal('trunkline.report/1'),
  /** Id of the bundle. */
  bundle: sha256,
  name,
  tasks: z.array(
    z.strictObject({
      task: name,
      /** The source network. */
      model: z.strictObject({ name: z.string(), sha256 }),
      trainSamples: z.int().min(0),
      validationSamples: z.int().min(0),
      /** On the validation samples; null where there are none. */
      accuracy: accuracy.nullable(),
    }),
  ),
  /** Of all separate networks together, and of the bundle. */
  size: z.strictObject({ parameters: beforeAfter, macs: beforeAfter, bytes: beforeAfter }),
  layers: z.array(
    z.strictObject({
      ...sharingRecord.omit({ channels: true }).shape,
      /** Channels that are shared. */
      shared: z.int().min(0),
      /** By task, after the retraining of this layer. */
      accuracy: z.record(name, z.number()),
    }),
  ),
  retraining: z.strictObject({
    steps: z.int().min(0),
    /** Losses by task on the way, some of all steps. */
    curve: z.array(z.strictObject({ layer: z.string(), step: z.int(), losses: z.record(name, z.number()) })),
  }),
  parity: z.strictObject({
    maxAbsDifference: z.number().min(0),
    tolerance: z.number().positive(),
    samples: z.int().min(1),
  }),
  /** What took how long, in order. */
  stages: z.array(z.strictObject({ stage: z.string(), ms: z.number().min(0) })),
  machine: z.strictObject({
    node: z.string(),
    onnxRuntime: z.string(),
    platform: z.string(),
    cpu: z.string(),
    cores: z.int().min(1),
    provider: z.string(),
  }),
});
export type MergeReport = z.infer<typeof mergeReport>;
