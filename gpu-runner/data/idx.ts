/**
 * IDX, the file format of MNIST and its relatives: two zero bytes, an element type, a rank, one big-endian uint32 a
 * dimension, then the elements, big-endian and row-major. Usually gzipped.
 */
import { readFile } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';
import { MemoryBudget } from './memoryBudget.ts';

/** The element types of the format by their code. */
const types = {
  0x08: { dtype: 'uint8', bytes: 1 },
  0x09: { dtype: 'int8', bytes: 1 },
  0x0b: { dtype: 'int16', bytes: 2 },
  0x0c: { dtype: 'int32', bytes: 4 },
  0x0d: { dtype: 'float32', bytes: 4 },
  0x0e: { dtype: 'float64', bytes: 8 },
} as const satisfies Record<number, { dtype: DataType; bytes: number }>;

type IdxDataType = (typeof types)[keyof typeof types]['dtype'];
export type IdxTensor = Tensor<IdxDataType>;

interface Header {
  readonly dtype: IdxDataType;
  readonly dims: readonly number[];
  readonly elementBytes: number;
  readonly sizeBytes: number;
}

/** Deflate cannot shrink anything more than this: a gzip that promises more is a lie, found before any allocation. */
const maxGzipRatio = 1032;

/**
 * Reads an IDX file, gzipped or plain.
 *
 * @param source what errors call it, e.g. the file's name
 * @param budget asked before the elements are allocated; what the tensor holds stays taken
 * @throws {Error} on anything that is not exactly one IDX array: "Cannot read IDX <source>: ..."
 */
export async function readIdx(
  bytes: Uint8Array,
  source: string,
  budget = new MemoryBudget(),
): Promise<IdxTensor> {
  const refuse = (reason: string): Error => new Error(`Cannot read IDX ${source}: ${reason}`);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const atMostBytes = gzipped ? bytes.length * maxGzipRatio : bytes.length;

  let head = new Uint8Array(0);
  let header: Header | undefined;
  let body = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of gzipped ? gunzip(bytes, refuse) : [bytes]) {
    let rest = chunk;
    if (!header) {
      head = concat(head, chunk);
      header = readHeader(head, refuse);
      if (!header) continue;
      const promised = headerBytes(header.dims.length) + header.sizeBytes;
      if (promised > atMostBytes) {
        const have = gzipped
          ? `${bytes.length} gzipped bytes cannot hold them`
          : `the file has ${bytes.length}`;
        throw refuse(
          `it is truncated: [${header.dims.join()}] ${header.dtype} takes ${promised} bytes, ${have}`,
        );
      }
      try {
        budget.take(header.sizeBytes, describe(header));
      } catch (cause) {
        throw new Error(refuse(cause instanceof Error ? cause.message : String(cause)).message, { cause });
      }
      body = new Uint8Array(header.sizeBytes);
      rest = head.subarray(headerBytes(header.dims.length));
    }
    if (filled + rest.length > body.length)
      throw refuse(`there are trailing bytes after ${describe(header)}`);
    body.set(rest, filled);
    filled += rest.length;
  }
  if (!header) throw refuse(`it is truncated: ${head.length} bytes do not hold a header`);
  if (filled < body.length)
    throw refuse(`it is truncated: ${filled} of ${body.length} bytes of ${describe(header)}`);
  return toTensor(header, body);
}

/** @throws {Error} as `readIdx` does, and when the file cannot be opened. */
export async function readIdxFile(path: string): Promise<IdxTensor> {
  return readIdx(await readFile(path), path);
}

const headerBytes = (rank: number): number => 4 + 4 * rank;
const describe = (header: Header): string => `[${header.dims.join()}] ${header.dtype}`;

/** Undefined while `head` is too short to tell. */
function readHeader(head: Uint8Array<ArrayBuffer>, refuse: (reason: string) => Error): Header | undefined {
  const [zero0, zero1, code, rank] = head;
  if (zero0 === undefined || zero1 === undefined || code === undefined || rank === undefined)
    return undefined;
  const type = Object.hasOwn(types, code) ? types[code as keyof typeof types] : undefined;
  if (zero0 !== 0 || zero1 !== 0 || !type) {
    const magic = Buffer.from(head.subarray(0, 4)).toString('hex');
    throw refuse(`it starts with ${magic}, which is not 0000, an element type (08, 09, 0b to 0e) and a rank`);
  }
  if (rank === 0) throw refuse('its rank is 0');
  if (head.length < headerBytes(rank)) return undefined;
  const view = new DataView(head.buffer, head.byteOffset);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const sizeBytes = elementCount(dims) * type.bytes;
  if (!Number.isSafeInteger(sizeBytes)) throw refuse(`[${dims.join()}] is too large`);
  return { dtype: type.dtype, dims, elementBytes: type.bytes, sizeBytes };
}

/** The elements of `body` in this machine's byte order. Reuses `body`. */
function toTensor(header: Header, body: Uint8Array<ArrayBuffer>): IdxTensor {
  const { dtype, dims, elementBytes } = header;
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) {
    const buffer = Buffer.from(body.buffer);
    if (elementBytes === 2) buffer.swap16();
    if (elementBytes === 4) buffer.swap32();
    if (elementBytes === 8) buffer.swap64();
  }
  switch (dtype) {
    case 'uint8':
      return { dtype, dims, data: body };
    case 'int8':
      return { dtype, dims, data: new Int8Array(body.buffer) };
    case 'int16':
      return { dtype, dims, data: new Int16Array(body.buffer) };
    case 'int32':
      return { dtype, dims, data: new Int32Array(body.buffer) };
    case 'float32':
      return { dtype, dims, data: new Float32Array(body.buffer) };
    case 'float64':
      return { dtype, dims, data: new Float64Array(body.buffer) };
    default:
      return dtype satisfies never;
  }
}

/** Unpacked piece by piece: a file that unpacks to more than its header says is found at the first surplus byte. */
async function* gunzip(bytes: Uint8Array, refuse: (reason: string) => Error): AsyncGenerator<Uint8Array> {
  try {
    const unpacked = createGunzip();
    unpacked.end(bytes);
    for await (const chunk of unpacked) yield chunk as Uint8Array;
  } catch (cause) {
    throw new Error(`${refuse('its gzip is damaged').message} (${String(cause)})`, { cause });
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
