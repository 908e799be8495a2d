/**
 * Element types under ONNX Runtime's names, with ONNX's `TensorProto.DataType` code, the Open Inference Protocol's
 * name (null where it has none) and the bytes of one element (null: variable).
 */
export const dataTypes = {
  float32: { onnx: 1, oip: 'FP32', bytes: 4 },
  uint8: { onnx: 2, oip: 'UINT8', bytes: 1 },
  int8: { onnx: 3, oip: 'INT8', bytes: 1 },
  uint16: { onnx: 4, oip: 'UINT16', bytes: 2 },
  int16: { onnx: 5, oip: 'INT16', bytes: 2 },
  int32: { onnx: 6, oip: 'INT32', bytes: 4 },
  int64: { onnx: 7, oip: 'INT64', bytes: 8 },
  string: { onnx: 8, oip: 'BYTES', bytes: null },
  bool: { onnx: 9, oip: 'BOOL', bytes: 1 },
  float16: { onnx: 10, oip: 'FP16', bytes: 2 },
  float64: { onnx: 11, oip: 'FP64', bytes: 8 },
  uint32: { onnx: 12, oip: 'UINT32', bytes: 4 },
  uint64: { onnx: 13, oip: 'UINT64', bytes: 8 },
  bfloat16: { onnx: 16, oip: 'BF16', bytes: 2 },
} as const;

export type DataType = keyof typeof dataTypes;

/** What holds the elements; float16 and bfloat16 as raw bits, bool as 0 or 1. */
export interface TensorData {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bfloat16: Uint16Array;
}

/** A dense, row-major tensor. `Tensor<'float32'>` narrows `data`; plain `Tensor` is the union over all types. */
export type Tensor<T extends DataType = DataType> = {
  [K in T]: { readonly dtype: K; readonly dims: readonly number[]; readonly data: TensorData[K] };
}[T];

export const elementCount = (dims: readonly number[]): number =>
  dims.reduce((product, dim) => product * dim, 1);
