import { elementCount } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';

/** Samples [size, channels] as [channels, size]: those of a network that reads its channels last, for one that does not. */
export function channelsFirst(data: Dataset): Dataset {
  const channels = data.sampleDims.at(-1) ?? 1;
  const size = data.sampleDims.slice(0, -1);
  const area = elementCount(size);
  return {
    ...data,
    sampleDims: [channels, ...size],
    inputs(indices, step) {
      const given = data.inputs(indices, step);
      const made = new Float32Array(given.length);
      for (let start = 0; start < given.length; start += area * channels)
        for (let position = 0; position < area; position += 1)
          for (let channel = 0; channel < channels; channel += 1)
            made[start + channel * area + position] = given[start + position * channels + channel] ?? 0;
      return made;
    },
  };
}

/** Dims of a sample whose channels are last, as they are once these are first. */
export const firstOf = (dims: readonly number[]): number[] => [dims.at(-1) ?? 1, ...dims.slice(0, -1)];
