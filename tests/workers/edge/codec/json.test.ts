import { expect, test } from 'vitest';
import type { DataType, Tensor } from '../../../../shared/tensor.ts';
import { decodeJson, encodeJson } from '../../../../workers/edge/codec/json.ts';
import { limits } from '../../../../workers/edge/limits.ts';

const cases: [Tensor, unknown[]][] = [
  [{ dtype: 'float32', dims: [2], data: Float32Array.of(-1.5, 3) }, [-1.5, 3]],
  [{ dtype: 'float64', dims: [2], data: Float64Array.of(1e300, 0.1) }, [1e300, 0.1]],
  [{ dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) }, [-128, 127]],
  [{ dtype: 'int16', dims: [1], data: Int16Array.of(-32768) }, [-32768]],
  [{ dtype: 'int32', dims: [1], data: Int32Array.of(2 ** 31 - 1) }, [2 ** 31 - 1]],
  [{ dtype: 'int64', dims: [1], data: BigInt64Array.of(-(2n ** 53n) + 1n) }, [-(2 ** 53) + 1]],
  [{ dtype: 'uint8', dims: [1], data: Uint8Array.of(255) }, [255]],
  [{ dtype: 'uint16', dims: [1], data: Uint16Array.of(65535) }, [65535]],
  [{ dtype: 'uint32', dims: [1], data: Uint32Array.of(2 ** 32 - 1) }, [2 ** 32 - 1]],
  [{ dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 53n - 1n) }, [2 ** 53 - 1]],
  [{ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) }, [true, false]],
  [{ dtype: 'string', dims: [2], data: ['a', ''] }, ['a', '']],
];

test.each(cases.map(([tensor, json]) => [tensor.dtype, tensor, json] as const))(
  'a tensor of %s survives the way through JSON',
  (dtype, tensor, json) => {
    const text = JSON.stringify(encodeJson('y', tensor));
    expect(JSON.parse(text)).toEqual(json);
    expect(decodeJson('x', dtype, tensor.dims, JSON.parse(text))).toEqual(tensor);
  },
);

test('decodeJson() takes data nested as the shape says', () => {
  const tensor = decodeJson('x', 'int32', [2, 1, 3], [[[1, 2, 3]], [[4, 5, 6]]]);
  expect(tensor.data).toEqual(Int32Array.of(1, 2, 3, 4, 5, 6));
});

test.each<[string, DataType, number[], unknown, string]>([
  ['no array', 'float32', [1], 3, 'x: data must be an array'],
  ['nothing', 'float32', [1], undefined, 'x: data must be an array'],
  ['too few elements', 'float32', [2, 2], [1, 2, 3], 'x: data has 3 elements, its shape [2, 2] takes 4'],
  [
    'ragged rows',
    'float32',
    [2, 2],
    [[1, 2], [3]],
    'x: data has 1 elements where dimension 1 of its shape [2, 2] takes an array of 2',
  ],
  ['a mix of rows and elements', 'float32', [2, 2], [[1, 2], 3], 'x: data has 3 where dimension 1'],
  [
    'nesting deeper than the shape',
    'float32',
    [1, 1],
    [[[1]]],
    'x: element 0 is an array, FP32 takes numbers',
  ],
  ['a string among numbers', 'float32', [2], [1, '2'], 'x: element 1 is "2", FP32 takes numbers'],
  ['null', 'float64', [1], [null], 'x: element 0 is null, FP64 takes numbers'],
  [
    'a number beyond its type',
    'float32',
    [1],
    [1e39],
    'x: element 0 is 1e+39, FP32 takes numbers up to 3.4028',
  ],
  ['a fraction', 'int8', [1], [1.5], 'x: element 0 is 1.5, INT8 takes whole numbers from -128 to 127'],
  ['an integer out of range', 'uint8', [1], [256], 'UINT8 takes whole numbers from 0 to 255'],
  ['an integer that JSON may have changed', 'int64', [1], [2 ** 53], '(larger ones in binary)'],
  ['a number for a boolean', 'bool', [1], [2], 'x: element 0 is 2, BOOL takes true or false'],
  ['a number for a string', 'string', [1], [2], 'x: element 0 is 2, BYTES takes strings'],
  ['16-bit floats', 'float16', [1], [1], 'x: FP16 has no JSON form, send it as binary data'],
])('decodeJson() refuses %s', (_, dtype, dims, data, message) => {
  expect(() => decodeJson('x', dtype, dims, data)).toThrow(message);
});

test.each<[string, Tensor]>([
  ['NaN', { dtype: 'float32', dims: [2], data: Float32Array.of(1, NaN) }],
  ['infinity', { dtype: 'float64', dims: [1], data: Float64Array.of(-Infinity) }],
  ['large integers', { dtype: 'int64', dims: [1], data: BigInt64Array.of(2n ** 53n) }],
  ['16-bit floats', { dtype: 'bfloat16', dims: [1], data: Uint16Array.of(1) }],
])('encodeJson() refuses %s rather than change them', (_, tensor) => {
  expect(() => encodeJson('Output "y"', tensor)).toThrow(
    /^Output "y" has no JSON form, .*"binary_data": true$/,
  );
});

test('decodeJson() survives nesting of any depth', () => {
  let data: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) data = [data];
  expect(() => decodeJson('x', 'float32', [1], data)).toThrow('x: element 0 is an array, FP32 takes numbers');
});

test('encodeJson() refuses more elements than a reply in JSON may have', () => {
  const count = limits.jsonReplyElements + 1;
  expect(() =>
    encodeJson('Output "y"', { dtype: 'uint8', dims: [count], data: new Uint8Array(count) }),
  ).toThrow(`Output "y" is too large for JSON: ${count} elements, the limit is ${limits.jsonReplyElements}`);
});
