import { elementCount } from '../../shared/tensor.ts';
import { Random } from './random.ts';

/** The label of samples that have none: of all samples of a data set, or of none. */
export const noLabel = -1;

/** Whether the samples' classes are known. Without, they serve distillation, and no accuracy can be measured on them. */
export const isLabelled = ({ labels }: Pick<Dataset, 'labels'>): boolean => labels[0] !== noLabel;

/** Samples with one class label each. Inputs may be computed when they are read (bytes to floats, decoding). */
export interface Dataset {
  readonly size: number;
  /** Dims of one sample, without the batch. */
  readonly sampleDims: readonly number[];
  readonly classes: number;
  /** [size], each from 0 to `classes` - 1, or all {@link noLabel}. */
  readonly labels: Int32Array;
  /**
   * [indices.length, ...sampleDims], row-major, in the order of `indices`: the caller's to change.
   *
   * @param step which training step reads them; a data set that changes its samples at random draws from it
   */
  inputs(indices: Uint32Array | readonly number[], step?: number): Float32Array;
}

export interface MemoryDatasetOptions {
  readonly sampleDims: readonly number[];
  readonly classes: number;
  readonly labels: Int32Array;
  /** [size, ...sampleDims] */
  readonly inputs: Float32Array;
}

/** @throws {Error} when the counts of inputs and labels differ or a label is not one of the classes. */
export function memoryDataset({ sampleDims, classes, labels, inputs }: MemoryDatasetOptions): Dataset {
  const length = elementCount(sampleDims);
  if (inputs.length !== labels.length * length) {
    throw new Error(
      `Cannot make a data set: ${inputs.length} input values are not ${labels.length} samples of [${sampleDims.join()}]`,
    );
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0)
    throw new Error(
      `Cannot make a data set: label ${labels[wrong] ?? ''} of sample ${wrong} is not one of ${classes} classes`,
    );
  return {
    size: labels.length,
    sampleDims,
    classes,
    labels,
    inputs(indices) {
      const batch = new Float32Array(indices.length * length);
      indices.forEach((index: number, row: number) => {
        if (!(index >= 0 && index < labels.length))
          throw new RangeError(`Cannot read sample ${index} of ${labels.length}`);
        batch.set(inputs.subarray(index * length, (index + 1) * length), row * length);
      });
      return batch;
    },
  };
}

/** The samples of `dataset` at `indices`, in that order; reads through to it. */
export function subset(dataset: Dataset, indices: Uint32Array | readonly number[]): Dataset {
  const chosen = Uint32Array.from(indices);
  const outside = chosen.find((index) => index >= dataset.size);
  if (outside !== undefined) throw new RangeError(`Cannot choose sample ${outside} of ${dataset.size}`);
  return {
    size: chosen.length,
    sampleDims: dataset.sampleDims,
    classes: dataset.classes,
    labels: Int32Array.from(chosen, (index) => dataset.labels[index] ?? 0),
    inputs: (wanted, step) =>
      dataset.inputs(
        Array.from(wanted, (index) => at(chosen, index)),
        step,
      ),
  };
}

/** Which samples each training step reads: every epoch in a new order, its last partial batch dropped. */
export interface Batches {
  readonly perEpoch: number;
  /** The sample indices of step `step`, counted from 0. A pure function of the seed and the step. */
  indices(step: number): Uint32Array;
}

/** @throws {Error} when the data set cannot fill one batch. */
export function shuffledBatches(dataset: Dataset, batchSize: number, seed: number): Batches {
  const perEpoch = Math.floor(dataset.size / batchSize);
  if (!(batchSize >= 1) || perEpoch < 1) {
    throw new Error(`Cannot draw batches of ${batchSize}: the data set has ${dataset.size} samples`);
  }
  let epoch = -1;
  let order = new Uint32Array();
  return {
    perEpoch,
    indices(step) {
      const wanted = Math.floor(step / perEpoch);
      if (wanted !== epoch) {
        epoch = wanted;
        order = new Random(seed, epoch).permutation(dataset.size);
      }
      const start = (step % perEpoch) * batchSize;
      return order.slice(start, start + batchSize);
    },
  };
}

/** Every sample once, in order; the last batch may be smaller. For evaluation. */
export function* orderedBatches(dataset: Dataset, batchSize: number): Generator<Uint32Array> {
  for (let start = 0; start < dataset.size; start += batchSize) {
    const length = Math.min(batchSize, dataset.size - start);
    yield Uint32Array.from({ length }, (_, index) => start + index);
  }
}

function at(values: Uint32Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`Cannot read sample ${index} of ${values.length}`);
  return value;
}
