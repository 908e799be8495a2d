import { create } from '@bufbuild/protobuf';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';
import { TensorProto_DataLocation, TensorProtoSchema, type TensorProto } from './proto/onnx_pb.js';

/** Where a tensor's bytes lie when they are not in the model file itself. */
export interface ExternalLocation {
  /** The data file, relative to the model's folder. */
  readonly location: string;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
}

const typed = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

type Numeric = keyof typeof typed;

/** The element type of an ONNX code. @throws {Error} naming `what` has it, where it is not supported. */
export function dataTypeOf(code: number, what: string): DataType {
  const found = Object.entries(dataTypes).find(([, { onnx }]) => onnx === code);
  if (!found) throw new Error(`Cannot read ${what}: data type ${code} is not supported`);
  return found[0] as DataType;
}

/** A tensor's elements as ONNX's raw bytes (little-endian, as every platform that Node runs on), without a copy. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  if (tensor.dtype === 'string') throw new Error('Cannot take the raw bytes of a string tensor');
  const { buffer, byteOffset, byteLength } = tensor.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Dims that are sizes, and whose product is one that a computer can count. */
function checkedDims(dims: readonly bigint[], what: string): number[] {
  const numbers = dims.map(Number);
  if (
    numbers.some((dim) => dim < 0) ||
    !Number.isSafeInteger(elementCount(numbers.map((dim) => Math.max(dim, 1))))
  ) {
    throw new Error(`Cannot read ${what}: dims [${dims.join()}] are not possible`);
  }
  return numbers;
}

/**
 * The tensor in a protobuf message. Its data is a view of the model's bytes where alignment allows it.
 *
 * @param external the bytes of a data file, by its location
 * @throws {Error} when the type is not supported, or the bytes are not as many as the dims say: checked before allocating.
 */
export function decodeTensor(
  proto: TensorProto,
  external?: (location: string) => Uint8Array,
  what = `tensor "${proto.name}"`,
): Tensor {
  const dtype = dataTypeOf(proto.dataType, what);
  const dims = checkedDims(proto.dims, what);
  const count = elementCount(dims);
  const refuse = (reason: string): Error => new Error(`Cannot read ${what}: ${reason}`);
  if (proto.segment) throw refuse('data in segments is not supported');
  const isExternal = proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
  if (dtype === 'string') {
    if (isExternal) throw refuse('strings cannot lie in a data file');
    const decoder = new TextDecoder();
    const data = proto.stringData.map((bytes) => decoder.decode(bytes));
    if (data.length !== count) throw refuse(`${data.length} strings for dims [${dims.join()}]`);
    return { dtype, dims, data };
  }
  const expected = count * dataTypes[dtype].bytes;
  let bytes = proto.rawData;
  if (isExternal) {
    bytes = externalBytes(proto, expected, external, refuse);
  } else if (bytes.length === 0) {
    const values = listed(proto, dtype);
    if (values.length !== count) throw refuse(`${values.length} elements for dims [${dims.join()}]`);
    return { dtype, dims, data: fill(dtype, values) } as Tensor;
  }
  if (bytes.length !== expected) {
    throw refuse(`${bytes.length} bytes for dims [${dims.join()}] of ${dtype}, expected ${expected}`);
  }
  const view = typed[dtype];
  const aligned = bytes.byteOffset % view.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return { dtype, dims, data: new view(aligned.buffer as ArrayBuffer, aligned.byteOffset, count) } as Tensor;
}

function externalBytes(
  proto: TensorProto,
  expected: number,
  external: ((location: string) => Uint8Array) | undefined,
  refuse: (reason: string) => Error,
): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (location === undefined) throw refuse('its data file is not named');
  if (!external) throw refuse(`it lies in data file "${location}", which was not given`);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? expected);
  const file = external(location);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw refuse(`offset ${offset} and length ${length} in "${location}" are not possible`);
  }
  if (offset + length > file.length) {
    throw refuse(`it ends at byte ${offset + length} of "${location}", which has ${file.length}`);
  }
  return file.subarray(offset, offset + length);
}

/** The elements in the field that ONNX keeps for the type; small types travel as int32, halves as their bits. */
function listed(proto: TensorProto, dtype: Numeric): readonly number[] | readonly bigint[] {
  switch (dtype) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint64':
    case 'uint32':
      return proto.uint64Data;
    case 'int8':
    case 'uint8':
    case 'bool':
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
    case 'int32':
      return proto.int32Data;
    default:
      return dtype satisfies never;
  }
}

function fill(dtype: Numeric, values: readonly number[] | readonly bigint[]): Tensor['data'] {
  if (dtype === 'int64') return BigInt64Array.from(values, BigInt);
  if (dtype === 'uint64') return BigUint64Array.from(values, BigInt);
  return new typed[dtype](Array.from(values, Number));
}

/** A protobuf message of a tensor, its bytes raw in it or, given a place, in a data file. */
export function encodeTensor(name: string, tensor: Tensor, place?: ExternalLocation): TensorProto {
  const { dtype, data } = tensor;
  const proto = create(TensorProtoSchema, {
    name,
    dataType: dataTypes[dtype].onnx,
    dims: tensor.dims.map(BigInt),
  });
  if (dtype === 'string') {
    const encoder = new TextEncoder();
    proto.stringData = data.map((text) => encoder.encode(text));
  } else if (place) {
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const entries = { location: place.location, offset: String(place.offset), length: String(place.length) };
    proto.externalData = create(TensorProtoSchema, {
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    }).externalData;
  } else {
    proto.rawData = tensorBytes(tensor);
  }
  return proto;
}
