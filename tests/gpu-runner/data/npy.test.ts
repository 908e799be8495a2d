import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../gpu-runner/data/memoryBudget.ts';
import { readNpy, type NpyTensor } from '../../../gpu-runner/data/npy.ts';
import { npy } from './byteFixtures.ts';

/** In pieces of `pieceBytes`, as unpacking gives them. */
async function* pieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await Promise.resolve();
    yield bytes.subarray(at, at + pieceBytes);
  }
}

const read = (bytes: Uint8Array, pieceBytes = 1000, budget = new MemoryBudget()): Promise<NpyTensor> =>
  readNpy(pieces(bytes, pieceBytes), bytes.length, budget);

/** Elements written by DataView, in either byte order. */
function elements(
  elementBytes: number,
  values: readonly number[],
  write: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(elementBytes * values.length));
  values.forEach((value, index) => write(view, index * elementBytes, value));
  return new Uint8Array(view.buffer);
}

describe('readNpy() reads every type of number in both byte orders', () => {
  const cases: [
    string,
    string,
    number[],
    number,
    (v: DataView, at: number, x: number, le: boolean) => void,
  ][] = [
    ['bool', 'b1', [0, 1], 1, (v, at, x) => v.setUint8(at, x)],
    ['uint8', 'u1', [0, 200, 255], 1, (v, at, x) => v.setUint8(at, x)],
    ['int8', 'i1', [-128, 127], 1, (v, at, x) => v.setInt8(at, x)],
    ['uint16', 'u2', [1, 65535], 2, (v, at, x, le) => v.setUint16(at, x, le)],
    ['int16', 'i2', [-2, 300], 2, (v, at, x, le) => v.setInt16(at, x, le)],
    ['uint32', 'u4', [1, 2 ** 32 - 1], 4, (v, at, x, le) => v.setUint32(at, x, le)],
    ['int32', 'i4', [-5, 70000], 4, (v, at, x, le) => v.setInt32(at, x, le)],
    ['uint64', 'u8', [1, 2 ** 50], 8, (v, at, x, le) => v.setBigUint64(at, BigInt(x), le)],
    ['int64', 'i8', [-1, 2 ** 50], 8, (v, at, x, le) => v.setBigInt64(at, BigInt(x), le)],
    ['float32', 'f4', [0.5, -1e10], 4, (v, at, x, le) => v.setFloat32(at, x, le)],
    ['float64', 'f8', [0.1, -1e300], 8, (v, at, x, le) => v.setFloat64(at, x, le)],
  ];
  it.each(cases)('%s', async (dtype, code, values, elementBytes, write) => {
    for (const order of elementBytes === 1 ? ['|'] : ['<', '>']) {
      const body = elements(elementBytes, values, (view, at, x) => write(view, at, x, order === '<'));
      const tensor = await read(npy(`'${order}${code}'`, [values.length], body));
      expect(tensor.dtype).toBe(dtype);
      expect(tensor.dims).toEqual([values.length]);
      expect([...tensor.data].map(Number)).toEqual(
        values.map((value) => (dtype === 'float32' ? Math.fround(value) : value)),
      );
    }
  });

  it('float16 as its bits', async () => {
    expect([...(await read(npy("'<f2'", [2], [0x00, 0x3c, 0x00, 0xc0]))).data]).toEqual([0x3c00, 0xc000]);
  });
});

it('readNpy() reads scalars, empty arrays and many axes', async () => {
  expect(await read(npy("'|u1'", [], [7]))).toMatchObject({ dims: [], data: Uint8Array.of(7) });
  expect((await read(npy("'|u1'", [0, 5], []))).dims).toEqual([0, 5]);
  expect((await read(npy("'|u1'", [1, 2, 1, 3], [1, 2, 3, 4, 5, 6]))).dims).toEqual([1, 2, 1, 3]);
});

it('readNpy() puts Fortran order into row-major order, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 200 }),
      async (dims, pieceBytes) => {
        const size = dims.reduce((product, dim) => product * dim, 1);
        // Element (i, j, k ...) has its row-major place as value; it lies at i + d0 * (j + d1 * (k + ...)).
        const body = new Uint8Array(size);
        for (let place = 0; place < size; place++) {
          let rest = place;
          const index = dims.map(() => 0);
          for (let axis = dims.length - 1; axis >= 0; axis--) {
            index[axis] = rest % (dims[axis] ?? 1);
            rest = Math.floor(rest / (dims[axis] ?? 1));
          }
          const at = index.reduceRight((sum, i, axis) => i + (dims[axis] ?? 1) * sum, 0);
          body[at] = place;
        }
        const tensor = await read(npy("'|u1'", dims, body, true), pieceBytes);
        expect(tensor.dims).toEqual(dims);
        expect([...tensor.data]).toEqual(Array.from({ length: size }, (_, place) => place));
      },
    ),
    { numRuns: 60 },
  );
});

describe('readNpy() refuses', () => {
  const good = npy("'|u1'", [3], [1, 2, 3]);
  const version = (major: number): Uint8Array => {
    const bytes = good.slice();
    bytes[6] = major;
    return bytes;
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /ends in its header, after 0 bytes/],
    ['another file', Buffer.from('PK\x03\x04 something else'), /not an NPY array \(starts with 50 4b 03 04/],
    ['half a header', good.subarray(0, 40), /ends in its header, after 40 bytes/],
    ['version 9', version(9), /NPY version is 9, not 1 to 3/],
    [
      'complex numbers',
      npy("'<c8'", [1], new Uint8Array(8)),
      /dtype is complex64; numbers and booleans are read/,
    ],
    [
      'Python objects',
      npy("'|O'", [1], new Uint8Array(8)),
      /dtype is object \(pickled Python objects are never loaded\)/,
    ],
    ['text', npy("'<U5'", [1], new Uint8Array(20)), /dtype is text \(<U5\)/],
    ['structures', npy("[('a', '<f4')]", [1], new Uint8Array(4)), /dtype is a structure/],
    ['long doubles', npy("'<f16'", [1], new Uint8Array(16)), /dtype is "<f16"/],
    ['a shape that is none', npy("'|u1'", [-1], []), /shape has a dimension "-1"/],
    ['a shape beyond counting', npy("'<f8'", [1e15, 1e15], []), /is too large/],
    [
      'missing elements',
      npy("'<f4'", [3], new Uint8Array(8)),
      /float32 \[3\] takes \d+ bytes, but there are \d+/,
    ],
    [
      'surplus elements',
      npy("'|u1'", [3], new Uint8Array(4)),
      /uint8 \[3\] takes \d+ bytes, but there are \d+/,
    ],
  ];
  it.each(cases)('%s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it('more than the memory allowed, before it takes any', async () => {
    const header = npy("'<f8'", [1e6, 1000], []);
    const promised = header.length + 8e9;
    const before = process.memoryUsage().arrayBuffers;
    await expect(readNpy(pieces(header, 1000), promised, new MemoryBudget(2 ** 30))).rejects.toThrow(
      'float64 [1000000,1000] takes 7.45 GiB of memory, but 1.00 GiB of 1.00 GiB are left',
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
  });

  it('chunks that end early or go on, whatever was promised', async () => {
    const bytes = npy("'|u1'", [3], [1, 2, 3]);
    await expect(
      readNpy(pieces(bytes.subarray(0, -1), 50), bytes.length, new MemoryBudget()),
    ).rejects.toThrow('it ends after 2 of 3 bytes of uint8 [3]');
    const longer = npy("'|u1'", [4], [1, 2, 3, 4]);
    longer.set(bytes.subarray(0, -3));
    await expect(readNpy(pieces(longer, 50), bytes.length, new MemoryBudget())).rejects.toThrow(
      'there is more than uint8 [3]',
    );
  });
});

it('readNpy() ends any bytes with a tensor or an error of its own', async () => {
  const start = npy("'<f4'", [2, 2], new Uint8Array(16));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { maxLength: 5 }),
      fc.nat(start.length),
      async (changes, length) => {
        const bytes = start.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const outcome = await read(bytes, 37).catch((error: unknown) => error as Error);
        if (outcome instanceof Error) expect(outcome.constructor).toBe(Error);
        else expect(outcome.data.length).toBe(outcome.dims.reduce((product, dim) => product * dim, 1));
      },
    ),
    { numRuns: 300 },
  );
});
