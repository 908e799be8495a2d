import type { Graph } from '../onnx/graph.ts';
import type { Dataset } from './dataset.ts';
import type { LossName } from './losses/losses.ts';

/** What one output of the graph is trained for, and on what. */
export interface Objective {
  readonly input: string;
  /** Logits for the cross-entropies; [batch, classes], or one column for two classes or a number. */
  readonly output: string;
  readonly data: Dataset;
  /** Samples that are not trained on, for early stopping. */
  readonly validation?: Dataset;
  /** Samples of this objective in one step; default: the run's. Data sets may differ in size, each has its own order. */
  readonly batchSize?: number;
  readonly loss: LossName;
  /** Factor in the sum that is minimised; default 1. */
  readonly weight?: number;
  /** A network with one input and one output whose logits this output learns to give. */
  readonly teacher?: {
    readonly graph: Graph;
    /** Share of the distillation loss beside the labels', 0 to 1 (no labels). */
    readonly distillation: number;
    readonly temperature: number;
  };
}

/** @throws {RangeError} when a factor or the batch is out of range. */
export function checkObjective({ output, weight = 1, batchSize = 1, teacher }: Objective): void {
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new RangeError(`Cannot train "${output}" on batches of ${batchSize}`);
  if (!(weight > 0))
    throw new RangeError(`Cannot train "${output}" with weight ${weight}: it must be above 0`);
  const share = teacher?.distillation ?? 0;
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`Cannot train "${output}" with distillation ${share}: it must be from 0 to 1`);
  }
}

/**
 * One column takes the labels as numbers (0 and 1 for a cross-entropy), several take one column a class.
 *
 * @throws {Error} when the output's width does not fit the classes.
 */
export function checkWidth({ output, data, loss, teacher }: Objective, width: number): void {
  if (width === 1 && (teacher?.distillation ?? 0) > 0)
    throw new Error(`Cannot distil into "${output}": a softmax over its one column is always 1`);
  const fits =
    loss === 'softmax-cross-entropy'
      ? width === data.classes && width > 1
      : width === 1
        ? loss === 'mean-squared-error' || data.classes === 2
        : width === data.classes;
  if (fits) return;
  throw new Error(
    `Cannot train "${output}" with ${loss}: it has ${width} columns, the data set ${data.classes} classes`,
  );
}
