import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../gpu-runner/data/memoryBudget.ts';
import { readNpz, readNpzSamples } from '../../../gpu-runner/data/npz.ts';
import { samplesDataset } from '../../../gpu-runner/data/samples.ts';
import { pixelsTo1, type Preprocessing } from '../../../shared/preprocessing.ts';
import { npy, zip, type ZipEntry } from './byteFixtures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'npz test '));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(entries: readonly ZipEntry[]): Promise<string> {
  const path = joinPath(folder, 'train.npz');
  await writeFile(path, zip(entries));
  return path;
}
const source = { kind: 'npz', file: 'train.npz', x: 'x', y: 'y' } as const;
const options = (preprocessing: Preprocessing | null, classes = 3) => ({
  preprocessing,
  classes,
  allowBad: 0.5,
  budget: new MemoryBudget(2 ** 20),
});
const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const longs = (...values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

const y: ZipEntry = { name: 'y.npy', bytes: npy("'<i8'", [2], longs(2, 0)) };

it('readNpzSamples() reads float samples of any shape as they are', async () => {
  const x = npy("'<f4'", [2, 3], floats(1, 2, 3, 4, 5, 6));
  for (const deflated of [false, true]) {
    const path = await write([{ name: 'x.npy', bytes: x, deflated }, y]);
    const samples = await readNpzSamples(path, source, options(null));
    expect(samples).toMatchObject({ dims: [3], problems: [] });
    expect([...samples.labels]).toEqual([2, 0]);
    expect([...samplesDataset(samples, 3, null).inputs([1, 0])]).toEqual([4, 5, 6, 1, 2, 3]);
  }
});

describe('readNpzSamples() reads images', () => {
  const rgb = pixelsTo1([3, 1, 2]);
  const pixels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const read = async (shape: number[], preprocessing: Preprocessing | null, axes?: 'NCHW' | 'NHWC') => {
    const path = await write([
      {
        name: 'x.npy',
        bytes: npy(
          "'|u1'",
          shape,
          pixels.slice(
            0,
            shape.reduce((a, b) => a * b),
          ),
        ),
      },
      y,
    ]);
    const from = axes ? { ...source, axes } : source;
    return readNpzSamples(path, from, options(preprocessing));
  };

  it('with the channels first, last, or without', async () => {
    expect([...(await read([2, 3, 1, 2], rgb)).values]).toEqual(pixels);
    expect([...(await read([2, 1, 2, 3], rgb, 'NHWC')).values]).toEqual([
      0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11,
    ]);
    expect((await read([2, 2, 3], pixelsTo1([1, 2, 3]))).dims).toEqual([1, 2, 3]);
  });

  it('and puts channels first that are declared to be last, whatever their number and without preprocessing', async () => {
    const { dims, values } = await read([2, 1, 3, 2], null, 'NHWC');
    expect(dims).toEqual([2, 1, 3]);
    expect([...values]).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
    await expect(read([2, 3, 2], null, 'NHWC')).rejects.toThrow(
      'Cannot read train.npz: x is [N,3,2], which is not images NHWC',
    );
  });

  it('and keeps bytes as bytes', async () => {
    expect((await read([2, 2, 3], pixelsTo1([1, 2, 3]))).values).toBeInstanceOf(Uint8Array);
  });

  it('of another size, resized', async () => {
    const resize = { width: 1, height: 1, mode: 'bilinear', fit: 'stretch' } as const;
    const samples = await read([2, 2, 3], { ...pixelsTo1([1, 1, 1]), resize });
    expect([...samples.values]).toEqual([2, 8]);
  });

  it('but refuses dims that could be either', async () => {
    await expect(read([2, 1, 2, 3], rgb)).rejects.toThrow(
      'Cannot read train.npz: x is [N,1,2,3]: channels first or last? Declare "axes" as NCHW or NHWC',
    );
  });

  it('but refuses another size without resizing, naming the row', async () => {
    await expect(read([2, 2, 3], pixelsTo1([1, 3, 2]))).rejects.toThrow(
      'Cannot read train.npz: x[0]: it is 3 x 2, the network reads 2 x 3, and no resizing is declared',
    );
  });
});

it('readNpzSamples() names rows that are not finite and leaves them out, with their labels and groups', async () => {
  const path = await write([
    { name: 'x.npy', bytes: npy("'<f4'", [3, 2], floats(1, 2, 3, NaN, 5, 6)) },
    { name: 'y.npy', bytes: npy("'|u1'", [3, 1], [0, 1, 2]) },
    { name: 'track.npy', bytes: npy("'<i2'", [3], [7, 0, 8, 0, 9, 0]) },
  ]);
  const samples = await readNpzSamples(path, { ...source, groups: 'track' }, options(null));
  expect([...samples.values]).toEqual([1, 2, 5, 6]);
  expect([...samples.labels]).toEqual([0, 2]);
  expect([...(samples.groups ?? [])]).toEqual([7, 9]);
  expect(samples.problems).toEqual([{ path: 'x[1]', reason: 'its value 1 is NaN, not a finite number' }]);
  await expect(readNpzSamples(path, source, { ...options(null), allowBad: 0.3 })).rejects.toThrow(
    'Cannot read train.npz: 1 of 3 samples are bad (33.33 %, allowed are 30.00 %): x[1]: its value 1 is NaN',
  );
});

describe('readNpzSamples() refuses', () => {
  const x: ZipEntry = { name: 'x.npy', bytes: npy("'<f4'", [2, 1], floats(1, 2)) };
  const labels = (bytes: Uint8Array): ZipEntry => ({ name: 'y.npy', bytes });
  const cases: [string, ZipEntry[], string][] = [
    [
      'complex samples',
      [{ name: 'x.npy', bytes: npy("'<c8'", [2], new Uint8Array(16)) }, y],
      'Cannot read x of train.npz: dtype is complex64',
    ],
    ['an archive without x', [y], 'Cannot read x of train.npz: there is no such array; it has y'],
    [
      'a label beyond the classes',
      [x, labels(npy("'<i8'", [2], longs(0, 3)))],
      'label 3 (y[1]) is not one of the 3 classes 0 to 2',
    ],
    ['a negative label', [x, labels(npy("'<i8'", [2], longs(-1, 0)))], 'label -1 (y[0])'],
    ['labels of floats', [x, labels(npy("'<f4'", [2], floats(0, 1)))], 'y is float32, not whole numbers'],
    [
      'one-hot labels',
      [x, labels(npy("'|u1'", [2, 2], [1, 0, 0, 1]))],
      'y is [2,2] (one-hot? give the class numbers)',
    ],
    ['too few labels', [x, labels(npy("'|u1'", [1], [1]))], 'there are 2 samples, but y is [1]'],
    [
      'a label too large for anything',
      [x, labels(npy("'<i8'", [2], longs(0, 2 ** 40)))],
      'y[1] is 1099511627776, which is too large',
    ],
    [
      'samples without axes',
      [{ name: 'x.npy', bytes: npy("'<f4'", [2], floats(1, 2)) }, y],
      'x is [2], not [N, ...]',
    ],
    [
      'a damaged array',
      [{ ...x, crc: 1 }, y],
      'Cannot read x of train.npz: it is damaged in the archive (CRC-32',
    ],
    ['an encrypted array', [{ ...x, deflated: true, flags: 1 }, y], '"x.npy" is encrypted'],
    ['an array twice', [x, x, y], 'it has "x.npy" twice'],
    [
      'names that leave the archive',
      [{ ...x, name: '../x.npy' }, y],
      'Cannot read train.npz: it is not a zip archive that can be read: invalid relative path',
    ],
    ['a zip bomb', [{ ...x, deflated: true, sizeBytes: 2 ** 31 }, y], 'a zip bomb'],
  ];
  it.each(cases)('%s', async (_, entries, message) => {
    await expect(readNpzSamples(await write(entries), source, options(null))).rejects.toThrow(message);
  });

  it('what takes more memory than allowed', async () => {
    const bytes = npy("'<f8'", [2, 1000], new Uint8Array(16_000));
    const path = await write([{ name: 'x.npy', bytes, deflated: true }, y]);
    await expect(
      readNpzSamples(path, source, { ...options(null), budget: new MemoryBudget(10_000) }),
    ).rejects.toThrow(
      'Cannot read x of train.npz: float64 [2,1000] takes 15.63 KiB of memory, but 9.77 KiB of 9.77 KiB are left',
    );
    await expect(
      readNpzSamples(path, source, { ...options(null), budget: new MemoryBudget(20_000) }),
    ).rejects.toThrow(/x as float32 \[2,1000\] takes 7.81 KiB of memory/);
  });

  it('what is no archive, and what is not there', async () => {
    const path = joinPath(folder, 'text.npz');
    await writeFile(path, 'hello');
    await expect(readNpz(path, ['x'], new MemoryBudget())).rejects.toThrow(
      `Cannot read ${path}: it is not a zip archive`,
    );
    await expect(readNpz(`${path}.gone`, ['x'], new MemoryBudget())).rejects.toThrow(
      /Cannot read .*gone: .*ENOENT/,
    );
  });
});

it('readNpzSamples() ends any damaged archive with samples or an error of its own', async () => {
  const whole = zip([{ name: 'x.npy', bytes: npy("'<f4'", [2, 1], floats(1, 2)), deflated: true }, y]);
  const path = joinPath(folder, 'fuzzed.npz');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.oneof(fc.constant(whole.length), fc.nat(whole.length)),
      async (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        await writeFile(path, bytes);
        const outcome = await readNpzSamples(path, source, options(null)).catch(
          (error: unknown) => error as Error,
        );
        if (outcome instanceof Error) expect(outcome.message).toMatch(/^Cannot read (. of )?train.npz: ./);
        else expect(outcome.labels.length).toBe(2);
      },
    ),
    { numRuns: 200 },
  );
});
