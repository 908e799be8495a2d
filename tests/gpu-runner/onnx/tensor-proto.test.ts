import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../../shared/tensor.ts';
import { TensorProto_DataLocation, TensorProtoSchema } from '../../../gpu-runner/onnx/proto/onnx_pb.js';
import { decodeTensor, encodeTensor, tensorBytes } from '../../../gpu-runner/onnx/tensor-proto.ts';

const dims = fc.array(fc.nat(4), { maxLength: 4 });
const numeric = fc.constantFrom(
  ...(Object.keys(dataTypes) as DataType[]).filter((dtype) => dtype !== 'string'),
);
const proto = (init: Parameters<typeof create<typeof TensorProtoSchema>>[1]) =>
  create(TensorProtoSchema, { name: 't', ...init });

/** A tensor of any type but strings, of any bits. */
const tensors = fc
  .tuple(numeric, dims, fc.infiniteStream(fc.nat(255)))
  .map(([dtype, shape, bits]): Tensor => {
    const length = elementCount(shape) * dataTypes[dtype].bytes;
    const bytes = Uint8Array.from(bits.take(length));
    return decodeTensor(proto({ dataType: dataTypes[dtype].onnx, dims: shape.map(BigInt), rawData: bytes }));
  });

describe('decodeTensor()', () => {
  it('reads back what encodeTensor() wrote, bit by bit, in every type', () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const decoded = decodeTensor(encodeTensor('t', tensor));
        expect(decoded.dtype).toBe(tensor.dtype);
        expect(decoded.dims).toEqual(tensor.dims);
        expect(tensorBytes(decoded)).toEqual(tensorBytes(tensor));
      }),
    );
  });

  it('reads back strings', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (data) => {
        const tensor = { dtype: 'string', dims: [data.length], data } as const;
        expect(decodeTensor(encodeTensor('t', tensor))).toEqual(tensor);
      }),
    );
  });

  it('reads elements that are listed by type instead of raw', () => {
    const read = (dtype: DataType, init: object) =>
      Array.from(
        decodeTensor(proto({ dataType: dataTypes[dtype].onnx, dims: [2n], ...init }))
          .data as ArrayLike<unknown>,
      );
    expect(read('float32', { floatData: [1.5, -2] })).toEqual([1.5, -2]);
    expect(read('float64', { doubleData: [0.1, 2] })).toEqual([0.1, 2]);
    expect(read('int64', { int64Data: [2n ** 60n, -1n] })).toEqual([2n ** 60n, -1n]);
    expect(read('uint64', { uint64Data: [2n ** 63n, 1n] })).toEqual([2n ** 63n, 1n]);
    expect(read('uint32', { uint64Data: [2n ** 32n - 1n, 1n] })).toEqual([2 ** 32 - 1, 1]);
    expect(read('float16', { int32Data: [0x3c00, 0xbc00] })).toEqual([0x3c00, 0xbc00]);
    for (const dtype of ['int8', 'uint8', 'int16', 'uint16', 'int32', 'bool', 'bfloat16'] as const) {
      expect(read(dtype, { int32Data: [1, 0] })).toEqual([1, 0]);
    }
  });

  it('views aligned raw bytes instead of copying them, and copies others, from a Buffer too', () => {
    const bytes = Buffer.from(new ArrayBuffer(16));
    const decode = (offset: number) =>
      decodeTensor(proto({ dataType: 1, dims: [2n], rawData: bytes.subarray(offset, offset + 8) }));
    const [aligned, unaligned] = [decode(4), decode(1)];
    bytes.fill(255);
    expect(aligned.data[0]).toBeNaN();
    expect(unaligned.data[0]).toBe(0);
  });

  it('refuses dims that lie before it allocates', () => {
    const lie =
      (shape: bigint[], init = {}) =>
      () =>
        decodeTensor(proto({ dataType: 1, dims: shape, ...init }));
    expect(lie([1n << 40n], { rawData: new Uint8Array(8) })).toThrow(
      'Cannot read tensor "t": 8 bytes for dims [1099511627776] of float32',
    );
    expect(lie([1n << 40n, 1n << 40n])).toThrow('are not possible');
    expect(lie([-1n])).toThrow('dims [-1] are not possible');
    expect(lie([0n, 1n << 62n])).toThrow('are not possible');
    expect(lie([3n], { floatData: [1, 2] })).toThrow('2 elements for dims [3]');
    expect(lie([2n], { dataType: 8, stringData: [] })).toThrow('0 strings for dims [2]');
    expect(lie([2n], { rawData: new Uint8Array(7) })).toThrow('7 bytes for dims [2] of float32, expected 8');
  });

  it('refuses types and layouts that are not supported, by name', () => {
    expect(() => decodeTensor(proto({ dataType: 14 }))).toThrow(
      'Cannot read tensor "t": data type 14 is not supported',
    );
    expect(() => decodeTensor(proto({ dataType: 1, segment: { begin: 0n, end: 1n } }))).toThrow(
      'data in segments',
    );
  });

  it('finds external bytes at their offset and refuses those that are not there', () => {
    const external = (entries: Record<string, string>, dataType = 1) =>
      proto({
        dataType,
        dims: [2n],
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      });
    const file = new Uint8Array(Float32Array.of(9, 1, 2).buffer);
    const read = (entries: Record<string, string>) =>
      decodeTensor(external({ location: 'w', ...entries }), () => file).data;
    expect(read({ offset: '4', length: '8' })).toEqual(Float32Array.of(1, 2));
    expect(read({})).toEqual(Float32Array.of(9, 1));
    expect(() => read({ offset: '8' })).toThrow('it ends at byte 16 of "w", which has 12');
    expect(() => read({ offset: '-4' })).toThrow('offset -4 and length 8 in "w" are not possible');
    expect(() => read({ length: '4' })).toThrow('4 bytes for dims [2] of float32, expected 8');
    expect(() => read({ offset: 'x' })).toThrow('not possible');
    expect(() => decodeTensor(external({}), () => file)).toThrow('its data file is not named');
    expect(() => decodeTensor(external({ location: 'w' }))).toThrow(
      'it lies in data file "w", which was not given',
    );
    expect(() => decodeTensor(external({ location: 'w' }, 8), () => file)).toThrow(
      'strings cannot lie in a data file',
    );
  });
});

describe('encodeTensor()', () => {
  it('writes where the bytes lie instead of the bytes', () => {
    const tensor = { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } as const;
    const encoded = encodeTensor('t', tensor, { location: 'w', offset: 4, length: 8 });
    expect(encoded.rawData).toHaveLength(0);
    expect(decodeTensor(encoded, () => new Uint8Array(Float32Array.of(9, 3, 4).buffer)).data).toEqual(
      Float32Array.of(3, 4),
    );
  });

  it('has no raw bytes of strings', () => {
    expect(() => tensorBytes({ dtype: 'string', dims: [1], data: ['a'] })).toThrow(
      'raw bytes of a string tensor',
    );
  });
});
