import type { Graph } from '../onnx/graph.ts';
import type { LossWeighting } from './lossWeights.ts';
import type { Masks } from './masks.ts';
import { checkObjective, type Objective } from './objective.ts';
import type { OptimiserOptions } from './optimisers/createOptimiser.ts';
import { learningRateAt, type Schedule } from './optimisers/schedule.ts';
import type { Provider } from './providers.ts';
import type { FrozenStatistics } from './trainingGraph.ts';
import type { TrainState } from './trainState.ts';
import { checkValidation, type Validation, type ValidationOptions } from './validation.ts';

export interface TrainOptions {
  /** Left as it is. */
  readonly graph: Graph;
  /** Initializers to train; default: all weights, biases, scales and shifts that the objectives depend on. */
  readonly parameters?: readonly string[];
  readonly objectives: readonly Objective[];
  /** One step reads one batch of every objective. */
  readonly steps: number;
  readonly batchSize: number;
  readonly optimiser: OptimiserOptions;
  readonly schedule: Schedule;
  /** Longest gradient, in Euclidean length over all parameters. */
  readonly clipNorm?: number;
  /** Factors of the losses beside the objectives' own weights; default: fixed, all 1. */
  readonly lossWeighting?: LossWeighting;
  /** What is pruned stays 0. */
  readonly masks?: Masks;
  /**
   * Keeps BatchNormalization as in inference instead of normalising by each batch: all of them, or those whose running
   * statistics are these initializers; default false.
   */
  readonly frozenStatistics?: FrozenStatistics;
  /** Keeps the best network by samples that are not trained on, and stops when it gets no better. */
  readonly validation?: ValidationOptions;
  /** Which samples meet in a batch. Same seed, same machine, same threads: same bits. */
  readonly seed: number;
  readonly provider: Provider;
  readonly threads?: number;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Told of every look at validation samples, the one before the first step too; before a checkpoint is saved. */
  readonly onLook?: (look: Validation) => void;
  /** Stops before the next step; `train` then rejects with its reason. */
  readonly signal?: AbortSignal;
  readonly checkpoint?: Checkpoint;
}

export interface TrainProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** Of this step, one an objective, in order. */
  readonly losses: readonly number[];
  /** Running means of the losses since this process began. */
  readonly smoothed: readonly number[];
  /** The factors this step's losses were weighed with, one an objective: fixed weight times adaptive. */
  readonly weights: readonly number[];
  /** Over the last steps. */
  readonly stepsPerSecond: number;
  readonly etaMs: number;
  /** Whether no step follows: all are done, or validation got no better. */
  readonly isLast: boolean;
  /** The look that followed this step. */
  readonly validation?: Validation;
}

export interface Checkpoint {
  /** Goes on from here; the other options must be those of the run that saved it. */
  readonly from?: TrainState | undefined;
  /** Steps between two calls of `save`; the last step is saved as well. */
  readonly every?: number;
  readonly save?: (state: TrainState) => void | Promise<void>;
}

export interface TrainResult {
  /** A copy of the graph with trained parameters: those of the best validation, or else of the last step. */
  readonly graph: Graph;
  /** One row a step that was run, one loss an objective. A run that resumed has only the rows since then. */
  readonly losses: readonly (readonly number[])[];
  /** Steps done in all, and why there were no more: the plan was done, or validation got no better. */
  readonly stopped: { readonly step: number; readonly reason: 'steps' | 'patience' };
  /** Looks at validation samples, as with `losses`; empty without validation. */
  readonly validations: readonly Validation[];
  /** Score and step of the network that is returned; absent without validation. */
  readonly best?: { readonly score: number; readonly step: number };
}

/** @throws {Error} when the options do not fit together. */
export function checkOptions(options: TrainOptions): void {
  const { objectives, steps, batchSize, schedule, checkpoint, validation } = options;
  if (objectives.length === 0) throw new Error('Cannot train: there are no objectives');
  if (!(Number.isInteger(steps) && steps >= 0)) throw new RangeError(`Cannot train for ${steps} steps`);
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new RangeError(`Cannot train on batches of ${batchSize}`);
  const every = checkpoint?.every ?? 1;
  if (!(Number.isInteger(every) && every >= 1))
    throw new RangeError(`Cannot save a checkpoint every ${every} steps`);
  learningRateAt(schedule, 0, steps);
  objectives.forEach(checkObjective);
  if (validation) checkValidation(validation, objectives);
}
