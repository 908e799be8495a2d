/**
 * NPY, NumPy's file of one array (numpy.lib.format, versions 1.0 to 3.0): "\x93NUMPY", a version, the length of the
 * header, a Python dict of dtype, order and shape, then the elements.
 */
import { elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';
import type { MemoryBudget } from './memoryBudget.ts';

/** NumPy's type codes that are read, without the byte order. */
const types = {
  b1: 'bool',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
} as const satisfies Record<string, DataType>;
type NpyDataType = (typeof types)[keyof typeof types];
export type NpyTensor = Tensor<NpyDataType>;

export interface NpyHeader {
  readonly dtype: NpyDataType;
  readonly elementBytes: number;
  readonly bigEndian: boolean;
  /** First axis fastest. */
  readonly fortran: boolean;
  readonly dims: readonly number[];
  /** Of the elements. */
  readonly sizeBytes: number;
  /** Where the elements begin. */
  readonly headerBytes: number;
}

/** Longest header that is looked at: NumPy itself refuses to read more than 10,000 characters. */
const maxHeaderBytes = 65_536;

/**
 * Reads an array, whatever its byte order, as a row-major tensor.
 *
 * @param chunks the file, `sizeBytes` long in all
 * @param budget asked before anything is allocated; what the tensor holds stays taken
 * @throws {Error} with the reason only ("dtype is complex64, ..."): the caller knows the file's name
 */
export async function readNpy(
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  budget: MemoryBudget,
): Promise<NpyTensor> {
  let head = new Uint8Array(0);
  let header: NpyHeader | undefined;
  let body = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    if (!header) {
      const both = new Uint8Array(head.length + chunk.length);
      both.set(head);
      both.set(chunk, head.length);
      head = both;
      header = readNpyHeader(head);
      if (!header) continue;
      const promised = header.headerBytes + header.sizeBytes;
      if (promised !== sizeBytes)
        throw new Error(`${describe(header)} takes ${promised} bytes, but there are ${sizeBytes}`);
      budget.take(header.sizeBytes, describe(header));
      body = new Uint8Array(header.sizeBytes);
      rest = head.subarray(header.headerBytes);
    }
    if (filled + rest.length > body.length) throw new Error(`there is more than ${describe(header)}`);
    body.set(rest, filled);
    filled += rest.length;
  }
  if (!header) throw new Error(`it ends in its header, after ${head.length} bytes`);
  if (filled < body.length)
    throw new Error(`it ends after ${filled} of ${body.length} bytes of ${describe(header)}`);
  swapBytes(body, header);
  return inRowMajor(toTensor(header, body.buffer), header, budget);
}

const describe = ({ dtype, dims }: NpyHeader): string => `${dtype} [${dims.join()}]`;

/** Undefined while `head` is too short to tell. @throws {Error} with the reason */
export function readNpyHeader(head: Uint8Array): NpyHeader | undefined {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (magic.some((byte, at) => at < head.length && head[at] !== byte))
    throw new Error(`it is not an NPY array (starts with ${hex(head)})`);
  if (head.length < 12) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw new Error(`its NPY version is ${version}, not 1 to 3`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes)
    throw new Error(`its header is ${length} bytes long, at most ${maxHeaderBytes} are read`);
  if (head.length < start + length) return undefined;
  const text = new TextDecoder().decode(head.subarray(start, start + length));
  return { ...parseHeader(text), headerBytes: start + length };
}

function parseHeader(text: string): Omit<NpyHeader, 'headerBytes'> {
  const field = (name: string, value: string): string => {
    const found = new RegExp(`'${name}': ?${value}`).exec(text)?.[1];
    if (found === undefined) throw new Error(`its header has no ${name} that could be read`);
    return found;
  };
  if (/'descr': ?\[/.test(text)) throw new Error(`dtype is a structure; ${readable}`);
  const descr = field('descr', "'([^']*)'");
  const dtype = Object.hasOwn(types, descr.slice(1))
    ? types[descr.slice(1) as keyof typeof types]
    : undefined;
  if (!dtype || !'<>|='.includes(descr.charAt(0)))
    throw new Error(`dtype is ${dtypeName(descr)}; ${readable}`);
  const elementBytes = Number(descr.slice(2));
  const shape = field('shape', '\\(([^)]*)\\)')
    .split(',')
    .map((dim) => dim.trim());
  // A shape of one axis is written "(5,)".
  if (shape.at(-1) === '') shape.pop();
  const dims = shape.map((dim) => {
    if (!/^\d{1,16}$/.test(dim)) throw new Error(`its shape has a dimension "${dim.slice(0, 40)}"`);
    return Number(dim);
  });
  const sizeBytes = elementCount(dims) * elementBytes;
  if (dims.length > 32 || !Number.isSafeInteger(sizeBytes)) throw new Error(`[${dims.join()}] is too large`);
  return {
    dtype,
    elementBytes,
    bigEndian: descr.startsWith('>'),
    fortran: field('fortran_order', '(True|False)') === 'True',
    dims,
    sizeBytes,
  };
}

const readable = 'numbers and booleans are read';

/** NumPy's own words for the types that are not read. */
function dtypeName(descr: string): string {
  const code = descr.slice(1, 2);
  if (code === 'c') return `complex${8 * Number(descr.slice(2))}`;
  if (code === 'O') return 'object (pickled Python objects are never loaded)';
  if (code === 'U' || code === 'S') return `text (${descr})`;
  return `"${descr.slice(0, 40)}"`;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'nothing';

/** To this machine's byte order. */
function swapBytes(body: Uint8Array<ArrayBuffer>, { elementBytes, bigEndian }: NpyHeader): void {
  const machineIsBig = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
  if (elementBytes === 1 || bigEndian === machineIsBig) return;
  const buffer = Buffer.from(body.buffer);
  if (elementBytes === 2) buffer.swap16();
  if (elementBytes === 4) buffer.swap32();
  if (elementBytes === 8) buffer.swap64();
}

function toTensor({ dtype, dims }: NpyHeader, buffer: ArrayBuffer): NpyTensor {
  switch (dtype) {
    case 'bool':
    case 'uint8':
      return { dtype, dims, data: new Uint8Array(buffer) };
    case 'int8':
      return { dtype, dims, data: new Int8Array(buffer) };
    case 'uint16':
    case 'float16':
      return { dtype, dims, data: new Uint16Array(buffer) };
    case 'int16':
      return { dtype, dims, data: new Int16Array(buffer) };
    case 'uint32':
      return { dtype, dims, data: new Uint32Array(buffer) };
    case 'int32':
      return { dtype, dims, data: new Int32Array(buffer) };
    case 'uint64':
      return { dtype, dims, data: new BigUint64Array(buffer) };
    case 'int64':
      return { dtype, dims, data: new BigInt64Array(buffer) };
    case 'float32':
      return { dtype, dims, data: new Float32Array(buffer) };
    case 'float64':
      return { dtype, dims, data: new Float64Array(buffer) };
    default:
      return dtype satisfies never;
  }
}

/** Elements with the first axis fastest, put so that the last one is. */
function inRowMajor(tensor: NpyTensor, { fortran, sizeBytes }: NpyHeader, budget: MemoryBudget): NpyTensor {
  const { dims } = tensor;
  if (!fortran || dims.length < 2 || tensor.data.length === 0) return tensor;
  budget.take(sizeBytes, `putting [${dims.join()}] from Fortran into row-major order`);
  const from = tensor.data;
  const to = from.slice();
  const strides = dims.map((_, axis) => elementCount(dims.slice(0, axis)));
  const index = dims.map(() => 0);
  for (let at = 0, source = 0; at < to.length; at++) {
    to[at] = from[source] as never;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      source += stride;
      if (next < (dims[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      source -= next * stride;
      index[axis] = 0;
    }
  }
  budget.release(sizeBytes);
  return { ...tensor, data: to } as NpyTensor;
}
