import { fitImage, type Pixels, type RawImage } from '../../shared/preprocess.ts';
import type { Preprocessing } from '../../shared/preprocessing.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { noLabel } from '../engine/dataset.ts';
import { halfToFloat } from './half.ts';
import type { MemoryBudget } from './memoryBudget.ts';
import { refuseTooManyBad, type Problem, type Samples } from './samples.ts';

/** Arrays of numbers, and how to read them. `names` are what errors call them. */
export interface SampleArrays {
  /** [N, ...] */
  readonly x: Tensor;
  /** [N] or [N, 1], whole numbers below `classes`; absent where samples have no labels. */
  readonly y?: Tensor | undefined;
  /** [N] whole numbers: samples of one number belong together. */
  readonly groups?: Tensor | undefined;
  readonly names: {
    readonly x: string;
    readonly y?: string | undefined;
    readonly groups?: string | undefined;
  };
  readonly axes?: 'NHW' | 'NCHW' | 'NHWC' | undefined;
}

export interface ReadOptions {
  readonly preprocessing: Preprocessing | null;
  readonly classes: number;
  readonly allowBad: number;
  readonly budget: MemoryBudget;
}

/**
 * Arrays as samples. Rows with values that are not finite are bad samples, left out and named (`x[17]`).
 *
 * @throws {Error} with the reason, when types, counts, labels or dims do not fit
 */
export function arraySamples(arrays: SampleArrays, options: ReadOptions): Samples {
  const { x, y, names } = arrays;
  const { classes, allowBad, budget, preprocessing } = options;
  const [size, ...dims] = x.dims;
  if (size === undefined || dims.length === 0 || dims.length > 8)
    throw new Error(`${names.x} is [${x.dims.join()}], not [N, ...] with 1 to 8 axes a sample`);
  const labels = y ? wholeNumbers(y, size, names.y ?? 'y') : new Int32Array(size).fill(noLabel);
  const wrong = y ? labels.findIndex((label) => label < 0 || label >= classes) : -1;
  if (wrong >= 0)
    throw new Error(
      `label ${labels[wrong] ?? ''} (${names.y ?? 'y'}[${wrong}]) is not one of the ${classes} classes 0 to ${classes - 1}`,
    );
  const groups = arrays.groups && wholeNumbers(arrays.groups, size, names.groups ?? 'groups');

  const raw = toPixels(x, names.x, budget);
  const length = elementCount(dims);
  const bad: Problem[] = [];
  const good: number[] = [];
  for (let row = 0; row < size; row++) {
    const at = raw instanceof Uint8Array ? -1 : firstInfinite(raw, row * length, (row + 1) * length);
    if (at < 0) good.push(row);
    else
      bad.push({
        path: `${names.x}[${row}]`,
        reason: `its value ${at - row * length} is ${raw[at] ?? ''}, not a finite number`,
      });
  }
  refuseTooManyBad(bad, size, allowBad);
  const fitted = fit(raw, dims, good, arrays.axes, preprocessing, names.x, budget);
  const kept = (all: Int32Array): Int32Array =>
    bad.length === 0 ? all : Int32Array.from(good, (row) => all[row] ?? 0);
  return { ...fitted, labels: kept(labels), groups: groups && kept(groups), problems: bad };
}

/** The rows `good` in the network's layout. Reuses `raw` when they have it already. */
function fit(
  raw: Pixels,
  dims: readonly number[],
  good: readonly number[],
  axes: SampleArrays['axes'],
  preprocessing: Preprocessing | null,
  name: string,
  budget: MemoryBudget,
): { dims: readonly number[]; values: Pixels } {
  const length = elementCount(dims);
  const all = good.length * length === raw.length;
  if (!preprocessing && axes === 'NHWC') return channelsFirst(raw, dims, good, name, budget);
  const image = preprocessing && imageOf(dims, axes, name);
  const target = preprocessing?.layout ?? dims;
  const asItIs =
    !image ||
    (!preprocessing.resize &&
      image.channels === target[0] &&
      (image.axes === 'CHW' || image.channels === 1) &&
      image.height === target[1] &&
      image.width === target[2]);
  if (asItIs && all) return { dims: target, values: raw };

  const size = elementCount(target);
  const count = good.length * size;
  budget.take(count * raw.BYTES_PER_ELEMENT, `${name} as [${[good.length, ...target].join()}]`);
  const values = raw instanceof Uint8Array ? new Uint8Array(count) : new Float32Array(count);
  good.forEach((row, to) => {
    const data = raw.subarray(row * length, (row + 1) * length);
    try {
      values.set(asItIs ? data : fitImage({ ...image, data }, preprocessing), to * size);
    } catch (cause) {
      throw new Error(`${name}[${row}]: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  });
  budget.release(raw.byteLength);
  return { dims: target, values };
}

/** Rows [H, W, C] as networks read them, [C, H, W], whatever the number of channels. */
function channelsFirst(
  raw: Pixels,
  dims: readonly number[],
  good: readonly number[],
  name: string,
  budget: MemoryBudget,
): { dims: readonly number[]; values: Pixels } {
  const [height = 0, width = 0, channels = 0] = dims;
  if (dims.length !== 3) throw new Error(`${name} is [N,${dims.join()}], which is not images NHWC`);
  const area = height * width;
  const length = area * channels;
  budget.take(good.length * length * raw.BYTES_PER_ELEMENT, `${name} with its channels first`);
  const count = good.length * length;
  const values = raw instanceof Uint8Array ? new Uint8Array(count) : new Float32Array(count);
  good.forEach((row, to) => {
    const data = raw.subarray(row * length, (row + 1) * length);
    const made = values.subarray(to * length, (to + 1) * length);
    for (let at = 0; at < length; at += 1)
      made[(at % channels) * area + Math.floor(at / channels)] = data[at] ?? 0;
  });
  budget.release(raw.byteLength);
  return { dims: [channels, height, width], values };
}

function imageOf(dims: readonly number[], axes: SampleArrays['axes'], name: string): Omit<RawImage, 'data'> {
  const [a = 0, b = 0, c = 0] = dims;
  const isChannels = (dim: number): boolean => dim === 1 || dim === 3;
  const shown = `${name} is [N,${dims.join()}]`;
  let order = axes;
  if (!order && dims.length === 2) order = 'NHW';
  if (!order && dims.length === 3) {
    if (isChannels(a) && isChannels(c))
      throw new Error(`${shown}: channels first or last? Declare "axes" as NCHW or NHWC`);
    order = isChannels(a) ? 'NCHW' : 'NHWC';
  }
  if (!order || dims.length !== order.length - 1)
    throw new Error(`${shown}, which is not images ${order ?? '[N, H, W], [N, C, H, W] or [N, H, W, C]'}`);
  switch (order) {
    case 'NHW':
      return { height: a, width: b, channels: 1, axes: 'CHW' };
    case 'NCHW':
      return { channels: a, height: b, width: c, axes: 'CHW' };
    case 'NHWC':
      return { height: a, width: b, channels: c, axes: 'HWC' };
    default:
      return order satisfies never;
  }
}

/** Bytes stay; every other number becomes float32. */
function toPixels({ dtype, dims, data }: Tensor, name: string, budget: MemoryBudget): Pixels {
  if (dtype === 'uint8' || dtype === 'float32') return data;
  if (dtype === 'string' || dtype === 'bfloat16') throw new Error(`${name} holds ${dtype}, not numbers`);
  budget.take(4 * data.length, `${name} as float32 [${dims.join()}]`);
  const floats =
    dtype === 'float16'
      ? Float32Array.from(data, halfToFloat)
      : Float32Array.from(data as ArrayLike<number>, Number);
  budget.release(data.byteLength);
  return floats;
}

function wholeNumbers({ dtype, dims, data }: Tensor, size: number, name: string): Int32Array {
  if (dtype === 'string' || dtype.startsWith('float') || dtype === 'bfloat16')
    throw new Error(`${name} is ${dtype}, not whole numbers`);
  if (dims[0] !== size || elementCount(dims) !== size) {
    const hint = dims[0] === size && dims.length === 2 ? ' (one-hot? give the class numbers)' : '';
    throw new Error(`there are ${size} samples, but ${name} is [${dims.join()}]${hint}`);
  }
  return Int32Array.from({ length: size }, (_, row) => {
    const value = Number(data[row]);
    if (value !== (value | 0)) throw new Error(`${name}[${row}] is ${value}, which is too large`);
    return value;
  });
}

function firstInfinite(values: Pixels, from: number, to: number): number {
  for (let at = from; at < to; at++) if (!Number.isFinite(values[at])) return at;
  return -1;
}
