import type { Dataset } from '../engine/dataset.ts';
import type { Tensor } from '../../shared/tensor.ts';

/**
 * Images and their labels as a data set. Pixels stay bytes in memory and become floats from 0 to 1 (pixel / 255) when
 * they are read.
 *
 * @param images uint8 [N, H, W] (read as [1, H, W] samples) or [N, C, H, W]
 * @param labels uint8 [N], each below `classes`
 * @throws {Error} when types, counts or labels do not fit
 */
export function imageDataset(images: Tensor, labels: Tensor, classes: number): Dataset {
  const refuse = (reason: string): Error => new Error(`Cannot make an image data set: ${reason}`);
  if (images.dtype !== 'uint8') throw refuse(`the images are ${images.dtype}, not uint8`);
  if (labels.dtype !== 'uint8') throw refuse(`the labels are ${labels.dtype}, not uint8`);
  const [size, ...rest] = images.dims;
  if (size === undefined || rest.length < 2 || rest.length > 3)
    throw refuse(`the images are [${images.dims.join()}], not [N, H, W] or [N, C, H, W]`);
  if (labels.dims.length !== 1 || labels.dims[0] !== size)
    throw refuse(`there are ${size} images, but the labels are [${labels.dims.join()}]`);
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0)
    throw refuse(`label ${labels.data[wrong] ?? ''} of image ${wrong} is not below ${classes} classes`);

  const sampleDims = rest.length === 2 ? [1, ...rest] : rest;
  const sampleSize = sampleDims.reduce((product, dim) => product * dim, 1);
  const pixels = images.data;
  return {
    size,
    sampleDims,
    classes,
    labels: Int32Array.from(labels.data),
    inputs(indices) {
      const floats = new Float32Array(indices.length * sampleSize);
      let to = 0;
      for (const index of indices) {
        if (!(index >= 0 && index < size))
          throw new RangeError(`Cannot read image ${index}: there are ${size}`);
        for (let from = index * sampleSize; from < (index + 1) * sampleSize; from++)
          floats[to++] = (pixels[from] ?? 0) / 255;
      }
      return floats;
    },
  };
}
