import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImageSamples } from '../../../gpu-runner/data/imageSamples.ts';
import { MemoryBudget } from '../../../gpu-runner/data/memoryBudget.ts';
import type { Samples } from '../../../gpu-runner/data/samples.ts';
import { pixelsTo1 } from '../../../shared/preprocessing.ts';
import { flatJpeg, png, tar, zip } from './byteFixtures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image test '));
});
afterAll(() => rm(folder, { recursive: true }));

const grey8 = (value: number): Uint8Array => png(8, 0, Array(8).fill(Array(8).fill(value)));
const pets: Record<string, Uint8Array> = {
  'dog/track2_1.png': grey8(22),
  'cat/track1_2.jpg': flatJpeg(12),
  'dog/track1_1.jpg': flatJpeg(21),
  'cat/track1_1.png': grey8(11),
  'cat/alone.png': grey8(13),
};

const options = (change: object = {}) => ({
  preprocessing: pixelsTo1([1, 8, 8]),
  labels: ['cat', 'dog'],
  classes: 2,
  allowBad: 0,
  budget: new MemoryBudget(2 ** 20),
  ...change,
});
const source = { kind: 'images', archive: 'pets' } as const;

let written = 0;
async function onDisk(files: Record<string, Uint8Array>): Promise<string> {
  const root = join(folder, `f${written++}`);
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), bytes);
  }
  return root;
}
async function archive(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `a${written++}`);
  await writeFile(path, bytes);
  return path;
}
const entries = (files: Record<string, Uint8Array>) =>
  Object.entries(files).map(([name, bytes]) => ({ name, bytes }));

const firstPixels = ({ values }: Samples): number[] =>
  Array.from({ length: values.length / 64 }, (_, sample) => values[sample * 64] ?? -1);

describe('readImageSamples() reads the same from', () => {
  const cases: [string, () => Promise<string>][] = [
    ['a folder', () => onDisk(pets)],
    ['a zip', () => archive(zip(entries(pets)))],
    ['a compressed zip', () => archive(zip(entries(pets).map((entry) => ({ ...entry, deflated: true }))))],
    ['a tar', () => archive(tar(entries(pets)))],
    ['a gzipped tar', () => archive(gzipSync(tar(entries(pets))))],
    [
      'a zip with folders, litter and a folder around',
      () =>
        archive(
          zip([
            { name: 'pets/', bytes: new Uint8Array() },
            { name: '__MACOSX/pets/cat/._alone.png', bytes: Buffer.from('x') },
            { name: 'pets/cat/.DS_Store', bytes: Buffer.from('x') },
            { name: 'pets/cat/Thumbs.db', bytes: Buffer.from('x') },
            ...entries(pets).map(({ name, bytes }) => ({ name: `pets/${name}`, bytes })),
          ]),
        ),
    ],
  ];
  it.each(cases)('%s', async (_, make) => {
    const samples = await readImageSamples(await make(), source, options());
    expect(samples).toMatchObject({ dims: [1, 8, 8], problems: [], groups: undefined });
    expect([...samples.labels]).toEqual([0, 0, 0, 1, 1]);
    // Sorted by class and name, whatever the order in the archive.
    expect(firstPixels(samples)).toEqual([13, 11, 12, 21, 22]);
    expect(samples.values).toBeInstanceOf(Uint8Array);
  });
});

it('readImageSamples() groups files of a class that begin alike', async () => {
  const grouped = { ...source, groups: { before: '_' } };
  const { groups } = await readImageSamples(await onDisk(pets), grouped, options());
  // alone.png | track1 of cats, twice | track1 of dogs | track2
  expect([...(groups ?? [])]).toEqual([0, 1, 1, 2, 3]);
});

it('readImageSamples() makes every image what the network reads', async () => {
  const wide = png(4, 2, Array(2).fill([250, 0, 0, 250, 0, 0, 0, 0, 250, 0, 0, 250]));
  const path = await onDisk({ 'cat/a.png': wide, 'dog/b.jpg': flatJpeg(90) });
  const resize = { width: 2, height: 2, mode: 'nearest', fit: 'stretch' } as const;
  const { values } = await readImageSamples(
    path,
    source,
    options({ preprocessing: { ...pixelsTo1([3, 2, 2]), resize } }),
  );
  expect([...values]).toEqual([250, 0, 250, 0, 0, 0, 0, 0, 0, 250, 0, 250, ...Array<number>(12).fill(90)]);
});

it('readImageSamples() names bad files, leaves them out and closes the gaps', async () => {
  const files = {
    ...pets,
    'cat/3.jpg': Buffer.from('<html>'),
    'dog/small.png': png(2, 0, [[1, 2]]),
    'notes.txt': Buffer.from('of whom'),
  };
  for (const path of [await onDisk(files), await archive(tar(entries(files)))]) {
    const samples = await readImageSamples(path, source, options({ allowBad: 0.5 }));
    expect(samples.problems).toEqual([
      { path: 'cat/3.jpg', reason: 'not a JPEG or PNG (starts with 3c 68 74)' },
      {
        path: 'dog/small.png',
        reason: 'it is 2 x 1, the network reads 8 x 8, and no resizing is declared',
      },
      { path: 'notes.txt', reason: 'it is in the folder of no class' },
    ]);
    expect([...samples.labels]).toEqual([0, 0, 0, 1, 1]);
    expect(firstPixels(samples)).toEqual([13, 11, 12, 21, 22]);
  }
});

it('readImageSamples() names links of a tar archive, and counts them as bad', async () => {
  const link = (name: string, flag: '1' | '2') => ({
    ...{ name, bytes: new Uint8Array(), link: { flag, to: 'cat/alone.png' } },
  });
  const bytes = tar([...entries(pets), link('cat/hard.png', '1'), link('dog/soft.png', '2')]);
  for (const path of [await archive(bytes), await archive(gzipSync(bytes))]) {
    const { problems, labels } = await readImageSamples(path, source, options({ allowBad: 0.3 }));
    expect(problems).toEqual([
      { path: 'cat/hard.png', reason: 'it is a link in the archive' },
      { path: 'dog/soft.png', reason: 'it is a link in the archive' },
    ]);
    expect(labels).toHaveLength(5);
    await expect(readImageSamples(path, source, options({ allowBad: 0.2 }))).rejects.toThrow(
      '2 of 7 samples are bad (28.57 %, allowed are 20.00 %): cat/hard.png: it is a link in the archive',
    );
  }
});

it('readImageSamples() takes a damaged entry of a zip for one bad file', async () => {
  const path = await archive(
    zip(entries(pets).map((entry) => (entry.name.includes('alone') ? { ...entry, crc: 1 } : entry))),
  );
  const { problems, labels } = await readImageSamples(path, source, options({ allowBad: 0.5 }));
  expect(labels).toHaveLength(4);
  expect(problems).toEqual([
    { path: 'cat/alone.png', reason: expect.stringMatching(/damaged in the archive/) as string },
  ]);
});

describe('readImageSamples() refuses', () => {
  it('more bad files than allowed, naming them', async () => {
    const path = await onDisk({ ...pets, 'cat/3.jpg': Buffer.from('<html>') });
    await expect(readImageSamples(path, source, options({ allowBad: 0.1 }))).rejects.toThrow(
      'Cannot read pets: 1 of 6 samples are bad (16.67 %, allowed are 10.00 %): cat/3.jpg: not a JPEG or PNG (starts with 3c 68 74)',
    );
  });
  it('folders without a label', async () => {
    const path = await onDisk({ ...pets, 'cow/1.png': grey8(1) });
    await expect(readImageSamples(path, source, options())).rejects.toThrow(
      'Cannot read pets: 1 of its folders are named as no label is: "cow"',
    );
  });
  it('an archive without images', async () => {
    await expect(readImageSamples(await archive(zip([])), source, options())).rejects.toThrow(
      'Cannot read pets: it has no files in folders of classes',
    );
  });
  it('more memory than allowed, before anything is decoded', async () => {
    await expect(
      readImageSamples(await onDisk(pets), source, options({ budget: new MemoryBudget(300) })),
    ).rejects.toThrow(
      '5 images as bytes [1,8,8] takes 320 bytes of memory, but 300 bytes of 300 bytes are left',
    );
  });
  it('what is no archive', async () => {
    await expect(readImageSamples(await archive(Buffer.from('hello')), source, options())).rejects.toThrow(
      'Cannot read pets: it is not a folder, .zip, .tar or .tar.gz (starts with 68656c)',
    );
    await expect(readImageSamples(join(folder, 'gone'), source, options())).rejects.toThrow(
      /Cannot read pets: ENOENT/,
    );
  });
  it('a cut tar', async () => {
    const cut = tar(entries(pets)).subarray(0, 1300);
    for (const bytes of [cut, gzipSync(cut), gzipSync(tar(entries(pets))).subarray(0, 100)])
      await expect(readImageSamples(await archive(bytes), source, options())).rejects.toThrow(
        'Cannot read pets: it is not a tar archive that can be read',
      );
  });
  it('a file twice', async () => {
    const twice = tar([...entries(pets), ...entries(pets)]);
    await expect(readImageSamples(await archive(twice), source, options())).rejects.toThrow(
      /it has ".*" twice/,
    );
  });
  it('links that lead back', async () => {
    const path = await onDisk(pets);
    await symlink(path, join(path, 'cat/again'));
    await expect(readImageSamples(path, source, options())).rejects.toThrow(
      /Cannot read pets: its folders lie more than 32 deep/,
    );
  });
});

it('readImageSamples() names a broken link', async () => {
  const path = await onDisk(pets);
  await symlink(join(folder, 'gone.png'), join(path, 'cat/link.png'));
  const { problems } = await readImageSamples(path, source, options({ allowBad: 0.5 }));
  expect(problems).toEqual([{ path: 'cat/link.png', reason: expect.stringMatching(/^ENOENT/) as string }]);
});

it('readImageSamples() ends any damaged archive with samples or an error of its own', async () => {
  const two = { 'cat/a.png': png(8, 0, Array(8).fill(Array(8).fill(1))), 'dog/b.jpg': flatJpeg(9) };
  const whole = [zip(entries(two)), tar(entries(two)), gzipSync(tar(entries(two)))];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2),
      fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.oneof(fc.constant(1e6), fc.nat(3000)),
      async (kind, changes, length) => {
        const bytes = Uint8Array.from((whole[kind] ?? new Uint8Array()).subarray(0, length));
        for (const [at, value] of changes) bytes[at % Math.max(1, bytes.length)] = value;
        const path = join(folder, 'fuzzed');
        await writeFile(path, bytes);
        const outcome = await readImageSamples(path, source, options({ allowBad: 0.5 })).catch(
          (error: unknown) => error as Error,
        );
        if (outcome instanceof Error) expect(outcome.message).toMatch(/^Cannot read pets: ./);
        else expect(outcome.values.length).toBe(64 * outcome.labels.length);
      },
    ),
    { numRuns: 150 },
  );
});
