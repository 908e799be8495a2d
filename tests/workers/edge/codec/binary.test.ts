import { expect, test } from 'vitest';
import type { Tensor } from '../../../../shared/tensor.ts';
import { decodeBinary, encodeBinary } from '../../../../workers/edge/codec/binary.ts';

const tensors: Tensor[] = [
  { dtype: 'float32', dims: [2], data: Float32Array.of(-1.5, NaN) },
  { dtype: 'float64', dims: [2], data: Float64Array.of(Math.PI, Infinity) },
  { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
  { dtype: 'int16', dims: [2], data: Int16Array.of(-32768, 1) },
  { dtype: 'int32', dims: [2], data: Int32Array.of(-(2 ** 31), 1) },
  { dtype: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 1n) },
  { dtype: 'uint8', dims: [2], data: Uint8Array.of(0, 255) },
  { dtype: 'uint16', dims: [2], data: Uint16Array.of(1, 65535) },
  { dtype: 'uint32', dims: [2], data: Uint32Array.of(1, 2 ** 32 - 1) },
  { dtype: 'uint64', dims: [2], data: BigUint64Array.of(1n, 2n ** 64n - 1n) },
  { dtype: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xfbff) },
  { dtype: 'bfloat16', dims: [2], data: Uint16Array.of(0x3f80, 0xff7f) },
  { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
  { dtype: 'string', dims: [2], data: ['', 'zwölf'] },
];

test.each(tensors.map((tensor) => [tensor.dtype, tensor] as const))(
  'a tensor of %s survives the way through its bytes, wherever they start',
  (dtype, tensor) => {
    const bytes = encodeBinary(tensor);
    const body = new Uint8Array(bytes.length + 3);
    body.set(bytes, 3);
    expect(decodeBinary('x', dtype, tensor.dims, body.subarray(3))).toEqual(tensor);
  },
);

test('encodeBinary() is little-endian, and writes lengths before strings', () => {
  expect(encodeBinary({ dtype: 'int32', dims: [1], data: Int32Array.of(1) })).toEqual(
    Uint8Array.of(1, 0, 0, 0),
  );
  expect(encodeBinary({ dtype: 'string', dims: [1], data: ['é'] })).toEqual(
    Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa9),
  );
});

test('decodeBinary() refuses bytes that are not the shape, before it allocates', () => {
  expect(() => decodeBinary('Input "x"', 'float32', [2, 3], new Uint8Array(20))).toThrow(
    'Input "x" has 20 bytes of binary data, its shape [2, 3] takes 6 x 4 = 24',
  );
  expect(() => decodeBinary('Input "x"', 'float32', [2 ** 40, 2 ** 40], new Uint8Array(20))).toThrow(
    'has 20 bytes of binary data',
  );
});

test('decodeBinary() refuses broken booleans and strings', () => {
  expect(() => decodeBinary('x', 'bool', [2], Uint8Array.of(1, 2))).toThrow(
    'x: element 1 is 2, BOOL takes 0 or 1',
  );
  const strings = encodeBinary({ dtype: 'string', dims: [2], data: ['ab', 'cd'] });
  expect(() => decodeBinary('x', 'string', [2], strings.subarray(0, 11))).toThrow(
    'x: its 11 bytes of binary data end inside element 1 of 2',
  );
  expect(() => decodeBinary('x', 'string', [1], strings)).toThrow(
    'x has 12 bytes of binary data, its 1 elements take 6',
  );
  expect(() => decodeBinary('x', 'string', [1], Uint8Array.of(1, 0, 0, 0, 0xff))).toThrow(
    'is not UTF-8 text',
  );
  expect(() => decodeBinary('x', 'string', [2 ** 40], Uint8Array.of(255, 255, 255, 255))).toThrow(
    'end inside element 0',
  );
});
