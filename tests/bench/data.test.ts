import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benchData, missingData, onlyClasses } from '../../bench/data.ts';
import { readJpegStream } from '../../bench/jpegStream.ts';
import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import { flatJpeg } from '../gpu-runner/data/byteFixtures.ts';

let root = '';
let cache = '';

const idx = (code: number, dims: readonly number[], body: readonly number[]): Uint8Array =>
  gzipSync(
    Uint8Array.from([
      ...[0, 0, code, dims.length],
      ...dims.flatMap((dim) => [dim >>> 24, (dim >>> 16) & 255, (dim >>> 8) & 255, dim & 255]),
      ...body,
    ]),
  );
const big = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, at) => (value >>> (8 * (bytes - 1 - at))) & 255);

/** Forty images of one grey each, twenty tracks of two, two classes of twenty. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bench data '));
  cache = join(root, 'cache');
  const folder = join(root, 'gtsrb');
  await mkdir(folder);
  const meta = { classes: ['stop', 'go'] };
  await writeFile(join(folder, 'meta.json'), JSON.stringify(meta));
  const values = Array.from({ length: 40 }, (_, at) => 4 * at + 50);
  for (const part of ['train', 'test']) {
    const jpegs = values.map(flatJpeg);
    const offsets = [0];
    for (const { length } of jpegs) offsets.push((offsets.at(-1) ?? 0) + length);
    const write = (name: string, bytes: Uint8Array) => writeFile(join(folder, `${part}-${name}.gz`), bytes);
    await write('jpegs.bin', gzipSync(Buffer.concat(jpegs)));
    await write(
      'offsets-idx1-int',
      idx(
        0x0c,
        [41],
        offsets.flatMap((offset) => big(offset, 4)),
      ),
    );
    await write(
      'labels-idx1-ubyte',
      idx(
        0x08,
        [40],
        values.map((_, at) => (at < 20 ? 0 : 1)),
      ),
    );
    if (part === 'train')
      await write(
        'tracks-idx1-short',
        idx(
          0x0b,
          [40],
          values.flatMap((_, at) => big(at >> 1, 2)),
        ),
      );
  }
  const grey = join(root, 'mnist');
  await mkdir(grey);
  await writeFile(join(grey, 'meta.json'), JSON.stringify(meta));
  for (const part of ['train', 'test']) {
    const pixels = Array.from({ length: 20 * 4 }, (_, at) => at);
    await writeFile(join(grey, `${part}-images-idx3-ubyte.gz`), idx(0x08, [20, 2, 2], pixels));
    await writeFile(
      join(grey, `${part}-labels-idx1-ubyte.gz`),
      idx(
        0x08,
        [20],
        pixels.slice(0, 20).map((at) => at % 2),
      ),
    );
  }
});
afterAll(() => rm(root, { recursive: true }));

const firsts = (dataset: Dataset): number[] =>
  Array.from({ length: dataset.size }, (_, at) => Math.round((dataset.inputs([at])[0] ?? NaN) * 255));

it('benchData() decodes a stream of JPEGs once, and holds out whole tracks', async () => {
  const data = await benchData('gtsrb', { root, cache });
  expect(data).toMatchObject({
    labels: ['stop', 'go'],
    preprocessing: { layout: [3, 8, 8], channels: 'rgb' },
  });
  expect(data.test.sampleDims).toEqual([3, 8, 8]);
  expect(firsts(data.test)).toEqual(Array.from({ length: 40 }, (_, at) => 4 * at + 50));
  const tracks = (dataset: Dataset): Set<number> =>
    new Set(firsts(dataset).map((value) => (value - 50) >> 3));
  const held = tracks(data.validation);
  // A tenth of each class is one track.
  expect([data.train.size, data.validation.size, held.size]).toEqual([36, 4, 2]);
  expect([...tracks(data.train)].filter((track) => held.has(track))).toEqual([]);

  expect((await readdir(join(cache, 'gtsrb'))).length).toBe(2);
  const again = await benchData('gtsrb', { root, cache });
  expect(again.train.inputs([0, 7])).toEqual(data.train.inputs([0, 7]));
  expect(firsts(again.test)).toEqual(firsts(data.test));
});

it('benchData() reads grey sets as they are, or as RGB of 32 x 32', async () => {
  const grey = await benchData('mnist', { root, cache });
  expect(grey.test.sampleDims).toEqual([1, 2, 2]);
  expect([grey.train.size, grey.validation.size]).toEqual([18, 2]);
  const rgb = await benchData('mnist', { root, cache, rgb32: true });
  expect(rgb.test.sampleDims).toEqual([3, 32, 32]);
  const [image, pixels] = [rgb.test.inputs([5]), grey.test.inputs([5])];
  // Corners stay, and the three channels are equal.
  expect([image[0], image[31], image[32 * 31], image[1023]]).toEqual([...pixels]);
  expect(image.subarray(1024, 2048)).toEqual(image.subarray(0, 1024));
});

it('onlyClasses() keeps some classes and numbers them anew', async () => {
  const data = onlyClasses(await benchData('mnist', { root, cache }), [1]);
  expect(data.labels).toEqual(['go']);
  expect(data.test).toMatchObject({ size: 10, classes: 1 });
  expect([...data.test.labels]).toEqual(Array(10).fill(0));
  expect(firsts(data.test)).toEqual(Array.from({ length: 10 }, (_, at) => 8 * at + 4));
});

it('missingData() says in a sentence where the sets are expected', () => {
  expect(missingData(root)).toBeNull();
  expect(missingData(join(root, 'nowhere'))).toMatch(
    /^Skipped: the data sets of this bench are expected in .*nowhere/,
  );
});

it('readJpegStream() refuses offsets and images that do not fit', async () => {
  const path = join(root, 'stream.gz');
  const jpeg = flatJpeg(90);
  await writeFile(path, gzipSync(Buffer.concat([jpeg, jpeg.subarray(0, 50)])));
  const read = (...offsets: number[]) => readJpegStream(path, Int32Array.from(offsets));
  await expect(read(0, jpeg.length)).rejects.toThrow(/its offsets end at \d+, the images at \d+/);
  await expect(read(0, 90, 90, jpeg.length + 50)).rejects.toThrow(
    'offset 2 is 90, not beyond the one before',
  );
  await expect(read(0, jpeg.length, jpeg.length + 50)).rejects.toThrow(/Cannot read .*stream.gz: image 1: /);
});
