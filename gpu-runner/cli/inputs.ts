import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ModelMetadata } from '../../client/inference.ts';
import { preprocess } from '../../shared/preprocess.ts';
import { pixelsTo1, type Preprocessing } from '../../shared/preprocessing.ts';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';
import { decodeImage } from '../data/decodeImage.ts';
import { defaultMaxBytes, MemoryBudget } from '../data/memoryBudget.ts';
import { readNpz } from '../data/npz.ts';

export interface InputOptions {
  /** Of an .npz. */
  readonly array: string;
  /** How an image becomes the input; asked for when there is an image, null when nobody says. */
  readonly preprocessing: () => Promise<Preprocessing | null>;
  /** Told what was assumed. */
  readonly note: (text: string) => void;
}

export interface Inputs {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** What to call each sample of the batch. */
  readonly samples: readonly string[];
}

/**
 * Files as the one input of a model: images (one sample each), the array of an .npz, or nested numbers in a JSON file.
 *
 * @param inputs what the model reads
 * @throws {Error} naming the file, and what the model reads
 */
export async function readInputs(
  files: readonly string[],
  inputs: ModelMetadata['inputs'],
  options: InputOptions,
): Promise<Inputs> {
  const [input, ...others] = inputs;
  if (!input || others.length > 0)
    throw new Error(`Cannot ask with files: the model reads ${inputs.length} inputs, not one`);
  if (files.every(isImage)) return readImages(files, input, options);
  const [file = '', ...more] = files;
  if (more.length > 0)
    throw new Error('Cannot ask with several files: only images can be asked about together');
  const refuse = (why: string, cause?: unknown): Error =>
    new Error(`Cannot ask with ${file}: ${why}`, { cause });
  let values: { readonly dims: readonly number[]; readonly data: ArrayLike<number | bigint | string> };
  try {
    if (file.endsWith('.npz')) {
      const [array] = await readNpz(file, [options.array], new MemoryBudget(defaultMaxBytes));
      if (!array) throw new Error(`it has no array "${options.array}"`);
      values = array;
    } else values = fromNested(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const dims = values.dims.length === input.shape.length - 1 ? [1, ...values.dims] : values.dims;
  const fits =
    dims.length === input.shape.length &&
    input.shape.every((size, axis) => size === -1 || size === dims[axis]);
  if (!fits)
    throw refuse(`it has shape [${values.dims.join(', ')}], the model reads [${input.shape.join(', ')}]`);
  const [count = 1] = dims;
  return {
    tensors: { [input.name]: tensorOf(input.datatype, dims, values.data) },
    samples: Array.from({ length: count }, (_, index) => `${basename(file)}[${index}]`),
  };
}

const isImage = (file: string): boolean => /\.(png|jpe?g)$/i.test(file);

async function readImages(
  files: readonly string[],
  input: ModelMetadata['inputs'][number],
  { preprocessing: ask, note }: InputOptions,
): Promise<Inputs> {
  const [, channels = 0, height = 0, width = 0] = input.shape;
  const declared = await ask();
  if (
    !declared &&
    (input.shape.length !== 4 || (channels !== 1 && channels !== 3) || height < 1 || width < 1)
  )
    throw new Error(
      `Cannot ask with images: the model reads [${input.shape.join(', ')}], say how with --preprocessing`,
    );
  const how: Preprocessing = declared ?? {
    ...pixelsTo1([channels === 1 ? 1 : 3, height, width]),
    resize: { width, height, mode: 'bilinear', fit: 'stretch' },
  };
  if (!declared)
    note(`Nobody declared how images become inputs: they are resized to ${width} x ${height}, pixels / 255`);
  const perImage = elementCount(how.layout);
  const data = new Float32Array(files.length * perImage);
  for (const [index, file] of files.entries()) {
    try {
      data.set(preprocess(await decodeImage(await readFile(file)), how), index * perImage);
    } catch (cause) {
      throw new Error(`Cannot ask with ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }
  return {
    tensors: { [input.name]: tensorOf(input.datatype, [files.length, ...how.layout], data) },
    samples: [...files],
  };
}

/** Nested arrays of numbers, row-major. @throws {Error} when they are ragged or hold something else */
export function fromNested(value: unknown): { dims: number[]; data: number[] } {
  const dims: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0] as unknown) dims.push(inner.length);
  const data: number[] = [];
  const walk = (part: unknown, depth: number): void => {
    if (depth === dims.length) {
      if (typeof part !== 'number')
        throw new Error(`it holds ${part === null ? 'null' : typeof part} where a number should be`);
      data.push(part);
      return;
    }
    if (!Array.isArray(part) || part.length !== dims[depth])
      throw new Error(
        `its arrays differ in length: one has ${Array.isArray(part) ? part.length : 'none'}, others ${dims[depth] ?? 0}`,
      );
    for (const one of part) walk(one, depth + 1);
  };
  walk(value, 0);
  return { dims, data };
}

const byOip = new Map(
  (Object.keys(dataTypes) as DataType[]).map((dtype) => [dataTypes[dtype].oip as string, dtype]),
);

/** Numbers as the type the model reads. */
function tensorOf(
  datatype: string,
  dims: readonly number[],
  data: ArrayLike<number | bigint | string>,
): Tensor {
  const dtype = byOip.get(datatype);
  const numbers = (): number[] => Array.from(data, Number);
  const big = (): bigint[] => Array.from(data, (value) => BigInt(value));
  switch (dtype) {
    case 'float32':
      return { dtype, dims, data: data instanceof Float32Array ? data : Float32Array.from(numbers()) };
    case 'float64':
      return { dtype, dims, data: Float64Array.from(numbers()) };
    case 'uint8':
    case 'bool':
      return { dtype, dims, data: Uint8Array.from(numbers()) };
    case 'int8':
      return { dtype, dims, data: Int8Array.from(numbers()) };
    case 'int16':
      return { dtype, dims, data: Int16Array.from(numbers()) };
    case 'uint16':
      return { dtype, dims, data: Uint16Array.from(numbers()) };
    case 'int32':
      return { dtype, dims, data: Int32Array.from(numbers()) };
    case 'uint32':
      return { dtype, dims, data: Uint32Array.from(numbers()) };
    case 'int64':
      return { dtype, dims, data: BigInt64Array.from(big()) };
    case 'uint64':
      return { dtype, dims, data: BigUint64Array.from(big()) };
    default:
      throw new Error(`Cannot ask with files: the model reads ${datatype}, files hold numbers`);
  }
}
