import { z } from 'zod';

/** Most networks in one merge: zipping tells tasks apart by the bits of one integer. */
export const maxSources = 30;

/** Which edges a zipped network keeps (design: shared channels read shared ones only, or task-own ones too). */
export const wirings = ['one-way', 'crossed', 'prefix'] as const;
export type Wiring = (typeof wirings)[number];

/** Of least summed cost; the cheapest pair first, as in the paper; or by chance, which is what the other two are measured against. */
export const matchings = ['optimal', 'greedy', 'random'] as const;
export type Matching = (typeof matchings)[number];

/** Horizontal flips and shifts at random while a task is trained; digits must not be flipped, cars may be. */
export const augmentation = z.strictObject({
  flip: z.boolean().default(false),
  /** Most pixels that an image is moved by, in both directions. */
  shift: z.int().min(0).default(0),
});
export type Augmentation = z.infer<typeof augmentation>;

/** When retraining ends before its steps do, by samples of each task that are not trained on. */
export const earlyStopping = z.strictObject({
  /** Steps between two looks. */
  every: z.int().min(1),
  /** Looks in a row without a better score after which it stops. The best network is kept. */
  patience: z.int().min(1),
  /** How much better counts, in the metric's units. */
  minDelta: z.number().min(0).default(0),
  metric: z.enum(['accuracy', 'loss']).default('accuracy'),
});
export type EarlyStopping = z.infer<typeof earlyStopping>;

/** Weights that follow the losses (Dynamic Weight Average, Liu et al. 2019): what learns slowly counts more. */
export const adaptiveWeights = z.strictObject({
  kind: z.literal('dynamic-average'),
  /** Large keeps all weights near 1. */
  temperature: z.number().positive().default(2),
  /** Steps that a loss is averaged over. */
  window: z.int().min(1).default(25),
});
export type AdaptiveWeights = z.infer<typeof adaptiveWeights>;

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
  /** Batch of single tasks, by name; others have `batchSize`. */
  batchSizes: z.record(z.string(), z.int().min(1)).optional(),
  /** Factors of the tasks' losses, by name; others have 1. */
  lossWeights: z.record(z.string(), z.number().positive()).optional(),
  /** Further factors that follow the losses. */
  adaptiveWeights: adaptiveWeights.optional(),
  earlyStopping: earlyStopping.optional(),
  /** By task; others see their images as they are. */
  augmentation: z.record(z.string(), augmentation).optional(),
  /** Longest gradient, in Euclidean length over all parameters. */
  clipNorm: z.number().positive().optional(),
});
export type Retraining = z.infer<typeof retraining>;

/** Shares less than `share` allows: what costs most for what it saves is left apart until the budget is just kept. */
export const budget = z.union([
  z.strictObject({
    /** Parameters stored, or multiply-adds for all tasks on one input. */
    of: z.enum(['parameters', 'macs']),
    /** Fraction (0 to 1) of what the separate networks have. */
    atMost: z.number().min(0).max(1),
  }),
  z.strictObject({
    /**
     * ONNX Runtime's heap at the edge with the whole bundle loaded, as it is stored; or the weights alone, as they are stored:
     * 4 bytes each, 2 as float16, 1 as int8. Graphs around them and scales of int8 come on top.
     */
    of: z.enum(['heap', 'bytes']),
    atMostBytes: z.int().positive(),
  }),
]);
export type Budget = z.infer<typeof budget>;

/**
 * Accuracy (0 to 1) on validation samples below which a layer is undone after its retraining, and shared less; at last nothing
 * is. What a task's own network does not reach is refused. float16 and int8 may
 * not fall below it either.
 */
export const floors = z.strictObject({
  accuracy: z.record(z.string(), z.number().min(0).max(1)).optional(),
  /** Of the other tasks: how much less than the separate network. */
  maxDrop: z.number().min(0).max(1).optional(),
});
export type Floors = z.infer<typeof floors>;

/**
 * Batch normalisation goes into the weights before it where it can, or every task keeps its own on shared channels and
 * retraining normalises by each batch, as the separate networks were trained.
 */
export const batchNorms = ['fold', 'per-task'] as const;
type BatchNorm = (typeof batchNorms)[number];

/** What suits a wiring: a trunk that runs once has it in its weights, tasks that run each for itself keep their own. */
const batchNormFor = (wiring: Wiring): BatchNorm => (wiring === 'crossed' ? 'per-task' : 'fold');

/**
 * What the weights are stored as: float32; float16, cast to float32 when the graph is loaded; or int8, computed on as
 * integers in most layers. Inputs, taps and outputs are float32 in each of them.
 */
export const storages = ['float32', 'float16', 'int8'] as const;
export type Storage = (typeof storages)[number];

export const inputAdaptations = ['mean', 'luma', 'repeat'] as const;
export type InputAdaptation = (typeof inputAdaptations)[number];

const fields = {
  wiring: z.enum(wirings),
  matching: z.enum(matchings).default('optimal'),
  /**
   * Channels to share, of all groups or by group: a count, or a fraction `share` (0 to 1) of the narrowest net's channels. A
   * group is named after the layer that puts it out, the first where several do. Groups that are left out share none.
   */
  share: z
    .union([
      z.strictObject({ share: z.number().min(0).max(1) }),
      z.record(
        z.string(),
        z.union([
          z.strictObject({ count: z.int().min(0) }),
          z.strictObject({ share: z.number().min(0).max(1) }),
        ]),
      ),
    ])
    .default({ share: 1 }),
  budget: budget.optional(),
  floors: floors.optional(),
  /**
   * How networks that read another number of channels than the rest are given the rest's: a grey network takes the `mean`
   * or the `luma` of RGB, an RGB network the grey value three times (`repeat`). By task; without it they are refused.
   */
  inputChannels: z.record(z.string(), z.enum(inputAdaptations)).optional(),
  /** How much each task's loss counts where channels are paired and merged, by name; others count 1. */
  mergeWeights: z.record(z.string(), z.number().positive()).optional(),
  /** Networks were pruned: weights that are 0 stay 0. */
  sparse: z.boolean().default(false),
  /** Relative damping of the Gram matrices, as a fraction of their mean diagonal. */
  damping: z.number().positive().default(1e-2),
  /**
   * Every task's weights at a layer are fitted by least squares to what they put out in the separate networks, on what reaches
   * the layer now, before they are merged or left. Not done where `sparse` keeps zeros.
   */
  refit: z.boolean().default(true),
  /** Samples of each task that the Gram matrices are averaged over. */
  gramSamples: z.int().min(1).default(2048),
  retraining,
  /** How the bundle's weights are stored: half or a quarter of the bytes. int8 also computes on integers. */
  storage: z.enum(storages).default('float32'),
  /** Most accuracy (0 to 1) that int8 may cost a task on validation samples; floors hold whatever the storage. */
  maxStorageDrop: z.number().min(0).max(1).default(0.005),
  seed: z.int().min(0).default(1),
};

const complete = z.strictObject({ ...fields, batchNorm: z.enum(batchNorms) });
export type Recipe = z.infer<typeof complete>;

/** What a user asks of a merge. Stored in the bundle it led to. */
export const recipe = z
  .strictObject({
    ...fields,
    /** Default: what suits the wiring, {@link batchNormFor}. */
    batchNorm: z.enum(batchNorms).optional(),
  })
  .transform((given) => ({ ...given, batchNorm: given.batchNorm ?? batchNormFor(given.wiring) }))
  // What is complete is left as it is.
  .pipe(complete as z.ZodType<Recipe, Recipe>);
/** A recipe as a person writes it, defaults left out. */
export type RecipeInput = z.input<typeof recipe>;
