import { z } from 'zod';

/** Which edges a zipped network keeps (design: shared channels read shared ones only, or task-own ones too). */
export const wirings = ['one-way', 'crossed', 'prefix'] as const;
export type Wiring = (typeof wirings)[number];

export const matchings = ['optimal', 'greedy'] as const;
export type Matching = (typeof matchings)[number];

export const retraining = z.strictObject({
  /** Optimiser steps after each zipped layer, and once more after the last. One step reads one batch of every task. */
  stepsPerLayer: z.int().min(0),
  finalSteps: z.int().min(0),
  batchSize: z.int().min(1),
  learningRate: z.number().positive(),
  weightDecay: z.number().min(0).default(0),
  /** Weight of the distillation loss against the untouched originals, 0 (labels only) to 1 (no labels needed). */
  distillation: z.number().min(0).max(1).default(0),
  /** Softmax temperature of the distillation loss. */
  temperature: z.number().positive().default(2),
});
export type Retraining = z.infer<typeof retraining>;

/** What a user asks of a merge. Stored in the bundle it led to. */
export const recipe = z.strictObject({
  wiring: z.enum(wirings),
  matching: z.enum(matchings).default('optimal'),
  /** Channels to share, per hidden layer name: a count, or a fraction `share` (0 to 1) of the narrower net's channels. */
  share: z.union([
    z.strictObject({ share: z.number().min(0).max(1) }),
    z.record(
      z.string(),
      z.union([
        z.strictObject({ count: z.int().min(0) }),
        z.strictObject({ share: z.number().min(0).max(1) }),
      ]),
    ),
  ]),
  /** Relative damping of the Gram matrices, as a fraction of their mean diagonal. */
  damping: z.number().positive().default(1e-5),
  /** Samples of each task that the Gram matrices are averaged over. */
  gramSamples: z.int().min(1).default(2048),
  retraining,
  seed: z.int().min(0).default(1),
});
export type Recipe = z.infer<typeof recipe>;
/** A recipe as a person writes it, defaults left out. */
export type RecipeInput = z.input<typeof recipe>;
