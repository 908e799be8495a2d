import type { Dataset } from '../engine/dataset.ts';

/**
 * Every image at every shift of up to `reach` pixels in each direction, as one data set (2 reach + 1)^2 times as large:
 * augmentation without a state, so a training run can be resumed to the bit. Zeros are shifted in.
 *
 * Sample s is image s mod N at shift floor(s / N). The shifts are numbered row by row from (-reach, -reach).
 *
 * @throws {Error} when samples are not [C, H, W] or are shifted out of sight
 */
export function shiftedImages(images: Dataset, reach: number): Dataset {
  const [channels, height, width] = images.sampleDims;
  if (channels === undefined || height === undefined || width === undefined || images.sampleDims.length !== 3)
    throw new Error(`Cannot shift samples of [${images.sampleDims.join()}]: they are not [C, H, W]`);
  if (!(Number.isInteger(reach) && reach >= 0 && reach < Math.min(height, width)))
    throw new Error(`Cannot shift ${height} x ${width} images by ${reach} pixels`);
  const side = 2 * reach + 1;
  const sampleSize = channels * height * width;
  return {
    size: images.size * side * side,
    sampleDims: images.sampleDims,
    classes: images.classes,
    labels: Int32Array.from(
      { length: images.size * side * side },
      (_, s) => images.labels[s % images.size] ?? 0,
    ),
    inputs(indices) {
      const pixels = images.inputs(Array.from(indices, (s) => s % images.size));
      const shifted = new Float32Array(pixels.length);
      for (let i = 0; i < indices.length; i++) {
        const shift = Math.floor((indices[i] ?? 0) / images.size);
        const down = Math.floor(shift / side) - reach;
        const right = (shift % side) - reach;
        for (let row = 0; row < channels * height; row++) {
          const y = (row % height) + down;
          if (y < 0 || y >= height) continue;
          const from = i * sampleSize + row * width;
          const to = from + down * width;
          const visible = pixels.subarray(from + Math.max(0, -right), from + width - Math.max(0, right));
          shifted.set(visible, to + Math.max(0, right));
        }
      }
      return shifted;
    },
  };
}
