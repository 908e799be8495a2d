import { elementCount, type Tensor } from '../../../shared/tensor.ts';

/** The smallest and the largest value of a tensor, or what is to be taken as such. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** How integers stand for numbers: value = scale (integer - zeroPoint). */
export interface Scale {
  readonly scale: number;
  readonly zeroPoint: number;
}

export const activationTypes = ['uint8', 'int8'] as const;
export type ActivationType = (typeof activationTypes)[number];
const smallest = { uint8: 0, int8: -128 } as const;

/**
 * The scale on which `range` takes all 256 integers. Zero is exactly one of them: padding and ReLU stay exact.
 *
 * @throws {RangeError} when the range is not finite.
 */
export function activationScale({ low, high }: Range, type: ActivationType): Scale {
  const from = Math.min(low, 0);
  const to = Math.max(high, 0);
  if (!Number.isFinite(from) || !Number.isFinite(to))
    throw new RangeError(`Cannot quantise values from ${low} to ${high}: they are not finite`);
  // As the graph stores it: the zero point must fit the rounded scale.
  const scale = Math.fround((to - from) / 255) || 1;
  return { scale, zeroPoint: smallest[type] + Math.min(255, Math.max(0, Math.round(-from / scale))) };
}

export interface QuantisedWeights {
  readonly values: Tensor<'int8'>;
  /** One a channel. */
  readonly scales: Tensor<'float32'>;
}

/** 127 and not 128: symmetric, so that zero is the integer 0. */
const largestInteger = 127;

/**
 * Weights as int8, each channel on a symmetric scale of its own. Channels of zeros get scale 1, or their floor.
 *
 * @param axis of the channels
 * @param floor the smallest scale a channel may have, one a channel
 * @throws {RangeError} when a weight is not finite.
 */
export function quantiseWeights(
  weights: Tensor<'float32'>,
  axis: number,
  floor?: readonly number[],
): QuantisedWeights {
  const { dims, data } = weights;
  const channels = dims[axis] ?? 0;
  const inner = elementCount(dims.slice(axis + 1));
  const channelOf = (index: number): number => Math.floor(index / inner) % channels;
  const largest = new Float64Array(channels);
  for (const [index, value] of data.entries()) {
    if (!Number.isFinite(value)) throw new RangeError(`Cannot quantise weights: number ${index} is ${value}`);
    const channel = channelOf(index);
    largest[channel] = Math.max(largest[channel] ?? 0, Math.abs(value));
  }
  const scales = Float32Array.from(largest, (value, channel) =>
    Math.max(value / largestInteger, floor?.[channel] ?? 0, smallestScale),
  );
  for (const [channel, value] of largest.entries()) if (value === 0 && !floor?.[channel]) scales[channel] = 1;
  const values = Int8Array.from(data, (value, index) =>
    Math.min(largestInteger, Math.max(-largestInteger, Math.round(value / (scales[channelOf(index)] ?? 1)))),
  );
  return {
    values: { dtype: 'int8', dims, data: values },
    scales: { dtype: 'float32', dims: [channels], data: scales },
  };
}

/** The smallest normal float32: what lies below loses digits, or is flushed to 0 by some processors. */
const smallestScale = 2 ** -126;
/** Leaves room in int32 for the products that are added to the bias. */
const largestBias = 2 ** 30;

/** The smallest scale of each channel's weights on which its bias still fits an int32. */
export const scalesForBias = (bias: Float32Array, inputScale: number): number[] =>
  Array.from(bias, (value) => Math.abs(value) / (inputScale * largestBias));

/** A bias as int32 on the scale of the products: inputScale times the weights' scale of its channel. */
export function quantiseBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): { readonly values: Tensor<'int32'>; readonly scales: Tensor<'float32'> } {
  const scales = Float32Array.from(weightScales, (scale) => Math.max(inputScale * scale, smallestScale));
  const dims = [bias.length];
  return {
    values: {
      dtype: 'int32',
      dims,
      data: Int32Array.from(bias, (value, channel) => Math.round(value / (scales[channel] ?? 1))),
    },
    scales: { dtype: 'float32', dims, data: scales },
  };
}
