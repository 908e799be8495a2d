import type { Dataset } from '../engine/dataset.ts';

/**
 * Grey samples for a network that reads several channels: each channel is the grey one.
 *
 * @throws {Error} when the samples have another number of channels than one, and than wanted.
 */
export function repeatChannels(data: Dataset, channels: number): Dataset {
  const [given = 1, ...size] = data.sampleDims;
  if (given === channels) return data;
  if (given !== 1) throw new Error(`Cannot give ${channels} channels to samples that have ${given}`);
  const plane = size.reduce((product, dim) => product * dim, 1);
  return {
    ...data,
    sampleDims: [channels, ...size],
    inputs(indices, step) {
      const grey = data.inputs(indices, step);
      const repeated = new Float32Array(grey.length * channels);
      for (let sample = 0; sample * plane < grey.length; sample += 1) {
        const from = grey.subarray(sample * plane, (sample + 1) * plane);
        for (let channel = 0; channel < channels; channel += 1)
          repeated.set(from, (sample * channels + channel) * plane);
      }
      return repeated;
    },
  };
}
