import { gzipSync } from 'node:zlib';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIdx, readIdxFile } from '../../../gpu-runner/data/idx.ts';

/** Header of an IDX file; the elements are written by hand in each test. */
const idx = (code: number, dims: number[], body: number[]): Uint8Array =>
  Uint8Array.from([
    0,
    0,
    code,
    dims.length,
    ...dims.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]),
    ...body,
  ]);

const big = (write: (view: DataView) => void, bytes: number): number[] => {
  const view = new DataView(new ArrayBuffer(bytes));
  write(view);
  return [...new Uint8Array(view.buffer)];
};

describe('readIdx() reads every element type', () => {
  const cases: [string, number, number[], number[]][] = [
    ['uint8', 0x08, [1, 2, 255], [1, 2, 255]],
    ['int8', 0x09, [1, 2, 255], [1, 2, -1]],
    ['int16', 0x0b, [0, 1, 0xff, 0xfe, 0x7f, 0xff], [1, -2, 32767]],
    ['int32', 0x0c, [0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 7], [256, -1, 7]],
    ['float32', 0x0d, [0.5, -2, 1e10].flatMap((x) => big((v) => v.setFloat32(0, x), 4)), [0.5, -2, 1e10]],
    ['float64', 0x0e, [0.1, -2, 1e300].flatMap((x) => big((v) => v.setFloat64(0, x), 8)), [0.1, -2, 1e300]],
  ];
  it.each(cases)('%s', async (dtype, code, body, values) => {
    const tensor = await readIdx(idx(code, [3], body), 'x');
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.dims).toEqual([3]);
    expect([...tensor.data]).toEqual(values);
  });
});

it('readIdx() reads gzip as it reads plain bytes', async () => {
  const pixels = Array.from({ length: 70_000 }, (_, i) => (i * 31) % 251);
  const plain = idx(0x08, [70, 100, 10], pixels);
  const tensor = await readIdx(gzipSync(plain), 'x');
  expect(tensor).toEqual(await readIdx(plain, 'x'));
  expect(tensor.dims).toEqual([70, 100, 10]);
  expect([...tensor.data]).toEqual(pixels);
});

it('readIdx() leaves its input as it was', async () => {
  const bytes = idx(0x0b, [2], [0, 1, 0, 2]);
  const before = bytes.slice();
  await readIdx(bytes, 'x');
  expect(bytes).toEqual(before);
});

it('readIdx() reads an array without elements', async () => {
  expect((await readIdx(idx(0x08, [0, 28, 28], []), 'x')).data.length).toBe(0);
});

describe('readIdx() refuses', () => {
  const huge = idx(0x0e, [0xffffffff, 0xffffffff, 0xffffffff], []);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /Cannot read IDX x: it is truncated: 0 bytes do not hold a header/],
    ['half a header', idx(0x08, [3, 4], []).subarray(0, 7), /truncated: 7 bytes do not hold a header/],
    ['a wrong magic', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0, 0]), /starts with 89504e47/],
    ['an unknown element type', idx(0x0a, [1], [1]), /starts with 00000a01/],
    ['rank 0', idx(0x08, [], [1]), /rank is 0/],
    ['missing elements', idx(0x08, [4], [1, 2, 3]), /truncated: \[4\] uint8 takes 12 bytes, the file has 11/],
    ['trailing bytes', idx(0x08, [2], [1, 2, 3]), /trailing bytes after \[2\] uint8/],
    ['a size beyond counting', huge, /\[4294967295,4294967295,4294967295\] is too large/],
    ['a size the file cannot hold', idx(0x08, [60000, 28, 28], [0]), /takes 47040016 bytes, the file has 17/],
    [
      'a size the gzip cannot hold',
      gzipSync(idx(0x08, [60000, 28, 28], [0])),
      /gzipped bytes cannot hold them/,
    ],
    [
      'gzip with missing elements',
      gzipSync(idx(0x08, [4], [1, 2, 3])),
      /truncated: 3 of 4 bytes of \[4\] uint8/,
    ],
    ['gzip with trailing bytes', gzipSync(idx(0x08, [2], [1, 2, 3])), /trailing bytes after \[2\] uint8/],
    [
      'a cut gzip',
      gzipSync(idx(0x08, [9], [1, 2, 3, 4, 5, 6, 7, 8, 9])).subarray(0, 26),
      /its gzip is damaged/,
    ],
    ['a damaged gzip', flipped(gzipSync(idx(0x08, [9], [1, 2, 3, 4, 5, 6, 7, 8, 9]))), /its gzip is damaged/],
    ['an empty gzip', gzipSync(new Uint8Array(0)), /truncated: 0 bytes do not hold a header/],
  ];
  it.each(cases)('%s', async (_, bytes, message) => {
    await expect(readIdx(bytes, 'x')).rejects.toThrow(message);
  });
});

it('readIdx() stops unpacking at the first surplus byte of a gzip bomb', async () => {
  const bomb = gzipSync(Buffer.concat([idx(0x08, [2], [1, 2]), Buffer.alloc(50_000_000)]));
  const before = process.memoryUsage().arrayBuffers;
  await expect(readIdx(bomb, 'x')).rejects.toThrow(/trailing bytes/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});

it('readIdxFile() names the file in its errors', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'idx test '));
  try {
    const path = join(folder, 'labels.idx');
    await writeFile(path, idx(0x08, [2], [7, 9]));
    expect([...(await readIdxFile(path)).data]).toEqual([7, 9]);
    await writeFile(path, 'hello');
    await expect(readIdxFile(path)).rejects.toThrow(`Cannot read IDX ${path}: it starts with 68656c6c`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** One bit of the checksum at the end is flipped. */
function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = copy.length - 6;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
