import type { Dataset } from '../engine/dataset.ts';
import { shares } from './adaptInput.ts';

/**
 * Samples for networks that read another number of channels: grey ones with the grey channel three times or so, RGB ones
 * as their luma.
 *
 * @throws {Error} with the reason, when the samples are neither grey nor RGB in place of grey.
 */
export function withChannels(data: Dataset, channels: number): Dataset {
  const [given = 1, ...size] = data.sampleDims;
  if (given === channels) return data;
  const fits = given === 1 || (given === shares.luma.length && channels === 1);
  if (!fits) throw new Error(`its samples have ${given} channels, of which no ${channels} can be made`);
  const plane = size.reduce((product, dim) => product * dim, 1);
  return {
    ...data,
    sampleDims: [channels, ...size],
    inputs(indices, step) {
      const values = data.inputs(indices, step);
      const made = new Float32Array((values.length / given) * channels);
      for (let sample = 0; sample * given * plane < values.length; sample += 1) {
        const from = values.subarray(sample * given * plane, (sample + 1) * given * plane);
        const to = made.subarray(sample * channels * plane, (sample + 1) * channels * plane);
        if (given === 1)
          for (let channel = 0; channel < channels; channel += 1) to.set(from, channel * plane);
        else to.set(lumaOf(from, plane));
      }
      return made;
    },
  };
}

const lumaOf = (rgb: Float32Array, plane: number): Float32Array =>
  Float32Array.from({ length: plane }, (_, at) =>
    shares.luma.reduce((sum, share, channel) => sum + share * (rgb[channel * plane + at] ?? 0), 0),
  );
