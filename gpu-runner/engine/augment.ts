import type { Dataset } from './dataset.ts';
import { Random } from './random.ts';

/**
 * Changes one sample, in place.
 *
 * @param sample row-major, of `dims`
 */
export type Augmentation = (sample: Float32Array, dims: readonly number[], random: Random) => void;

/**
 * The same samples, changed at random whenever a training step reads them. What changes is a pure function of the seed,
 * the step and the place in the batch, so a run that resumes sees the same images. Read without a step, as evaluation
 * does, samples stay as they are. A teacher sees what its student sees.
 */
export function augmented(dataset: Dataset, augmentations: readonly Augmentation[], seed: number): Dataset {
  const { size, sampleDims, classes, labels } = dataset;
  const length = sampleDims.reduce((product, dim) => product * dim, 1);
  return {
    size,
    sampleDims,
    classes,
    labels,
    inputs(indices, step) {
      const inputs = dataset.inputs(indices, step);
      if (step === undefined) return inputs;
      const random = new Random(seed, augmentationStream, step);
      for (let start = 0; start < inputs.length; start += length) {
        const sample = inputs.subarray(start, start + length);
        for (const augmentation of augmentations) augmentation(sample, sampleDims, random);
      }
      return inputs;
    },
  };
}

/** Sets the generators of augmentation apart from those of batches and noise. */
const augmentationStream = 0x6175;

/**
 * Mirrors images [channels, height, width] left to right, each with this probability.
 *
 * @throws {RangeError} when the probability is not from 0 to 1.
 */
export function flipped(probability = 0.5): Augmentation {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`Cannot flip with probability ${probability}: it must be from 0 to 1`);
  return (sample, dims, random) => {
    const { width } = planes(dims);
    if (random.uniform() >= probability) return;
    for (let start = 0; start < sample.length; start += width)
      sample.subarray(start, start + width).reverse();
  };
}

/**
 * Moves images [channels, height, width] by up to `pixels` in both directions, each shift equally likely: a crop at
 * random of the image padded with `fill` (a value as the net reads it: after normalisation, 0 is the mean).
 *
 * @throws {RangeError} when `pixels` is not a whole number from 0, or not below both sides of an image it meets.
 */
export function shifted(pixels: number, fill = 0): Augmentation {
  if (!(Number.isInteger(pixels) && pixels >= 0))
    throw new RangeError(`Cannot shift images by ${pixels} pixels: it must be a whole number from 0`);
  return (sample, dims, random) => {
    const { channels, height, width } = planes(dims);
    if (pixels >= height || pixels >= width)
      throw new RangeError(`Cannot shift images of ${height}x${width} by ${pixels} pixels`);
    const down = random.integer(2 * pixels + 1) - pixels;
    const right = random.integer(2 * pixels + 1) - pixels;
    if (down === 0 && right === 0) return;
    const source = sample.slice();
    sample.fill(fill);
    const [left, count] = [Math.max(0, -right), width - Math.abs(right)];
    for (let channel = 0; channel < channels; channel += 1) {
      for (let row = Math.max(0, down); row < Math.min(height, height + down); row += 1) {
        const from = (channel * height + row - down) * width + left;
        sample.set(
          source.subarray(from, from + count),
          (channel * height + row) * width + Math.max(0, right),
        );
      }
    }
  };
}

function planes(dims: readonly number[]): { channels: number; height: number; width: number } {
  const [channels, height, width] = dims;
  if (dims.length !== 3 || channels === undefined || height === undefined || width === undefined)
    throw new Error(`Cannot augment samples of [${dims.join()}]: images are [channels, height, width]`);
  return { channels, height, width };
}
