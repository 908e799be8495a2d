import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../gpu-runner/data/openDataset.ts';
import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { datasetDocument, type DatasetDocument, type DatasetDocumentInput } from '../../../shared/dataset.ts';
import { pixelsTo1 } from '../../../shared/preprocessing.ts';
import { join, npy, png, zip } from './byteFixtures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'dataset test '));
});
afterAll(() => rm(folder, { recursive: true }));

/** Puts files on disk under their digests' stand-ins, and makes the document that names them. */
async function store(
  files: Record<string, Uint8Array>,
  rest: Omit<DatasetDocumentInput, 'format' | 'files'>,
): Promise<DatasetDocument> {
  for (const [path, bytes] of Object.entries(files)) await writeFile(joinPath(folder, path), bytes);
  const sha256 = '0'.repeat(64);
  return datasetDocument.parse({
    format: 'trunkline.dataset/1',
    files: Object.entries(files).map(([path, bytes]) => ({ path, sha256, sizeBytes: bytes.length })),
    ...rest,
  });
}
const open = (document: DatasetDocument, maxBytes?: number) =>
  openDataset(
    document,
    (file) => Promise.resolve(joinPath(folder, file.path)),
    maxBytes === undefined ? {} : { maxBytes },
  );

const idx = (code: number, dims: number[], body: Uint8Array | number[]): Uint8Array =>
  join([0, 0, code, dims.length, ...dims.flatMap((dim) => [0, 0, dim >> 8, dim & 255])], body);

/** Forty images of 2 x 2: sample i holds i in every pixel, has class i % 2, and belongs to track i >> 2. */
const tracked = {
  'x.gz': gzipSync(
    idx(
      0x08,
      [40, 2, 2],
      Array.from({ length: 160 }, (_, at) => at >> 2),
    ),
  ),
  'y.gz': gzipSync(
    idx(
      0x08,
      [40],
      Array.from({ length: 40 }, (_, at) => at % 2),
    ),
  ),
  'tracks.gz': gzipSync(
    idx(
      0x0b,
      [40],
      Array.from({ length: 80 }, (_, at) => (at % 2 ? at >> 3 : 0)),
    ),
  ),
};
const idxSource = { kind: 'idx', images: 'x.gz', labels: 'y.gz', groups: 'tracks.gz' } as const;

/** The samples of `tracked` that a data set has. */
const numbers = (dataset: Dataset | null): number[] =>
  dataset
    ? Array.from({ length: dataset.size }, (_, at) => Math.round((dataset.inputs([at])[0] ?? NaN) * 255))
    : [];

it('openDataset() reads IDX files, scales them, and splits by whole tracks', async () => {
  const document = await store(tracked, {
    source: idxSource,
    preprocessing: pixelsTo1([1, 2, 2]),
    labels: ['even', 'odd'],
    split: { validation: 0.2 },
  });
  const { train, validation, labels, problems } = await open(document);
  expect(labels).toEqual(['even', 'odd']);
  expect(problems).toEqual([]);
  expect(train).toMatchObject({ sampleDims: [1, 2, 2], classes: 2, size: 32 });
  const held = numbers(validation);
  expect([...numbers(train), ...held].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 40 }, (_, at) => at),
  );
  expect(held).toHaveLength(8);
  const tracks = new Set(held.map((sample) => sample >> 2));
  expect(numbers(train).some((sample) => tracks.has(sample >> 2))).toBe(false);
  expect([...(validation?.labels ?? [])]).toEqual(held.map((sample) => sample % 2));
  // Twice the same.
  expect(numbers((await open(document)).validation)).toEqual(held);
});

it('openDataset() holds nothing out when told so', async () => {
  const document = await store(tracked, {
    source: idxSource,
    preprocessing: null,
    labels: ['even', 'odd'],
    split: { validation: 0 },
  });
  const { train, validation } = await open(document);
  expect(validation).toBeNull();
  expect(train.size).toBe(40);
  // Without preprocessing, values stay as they are.
  expect([...train.inputs([3, 39])]).toEqual([3, 3, 3, 3, 39, 39, 39, 39]);
});

it('openDataset() takes validation from another source, of another kind', async () => {
  const images = zip([
    {
      name: 'odd/1.png',
      bytes: png(2, 0, [
        [7, 8],
        [9, 10],
      ]),
    },
  ]);
  const document = await store(
    { ...tracked, 'held.zip': images },
    {
      source: idxSource,
      preprocessing: pixelsTo1([1, 2, 2]),
      labels: ['even', 'odd'],
      split: { source: { kind: 'images', archive: 'held.zip' } },
    },
  );
  const { train, validation } = await open(document);
  expect(train.size).toBe(40);
  expect([...(validation?.inputs([0]) ?? [])]).toEqual([
    ...Float32Array.of(7 / 255, 8 / 255, 9 / 255, 10 / 255),
  ]);
  expect([...(validation?.labels ?? [])]).toEqual([1]);
});

describe('openDataset() refuses', () => {
  const npz = (x: Uint8Array, y: Uint8Array): Record<string, Uint8Array> => ({
    'a.npz': zip([
      { name: 'x.npy', bytes: x },
      { name: 'y.npy', bytes: y },
    ]),
  });
  const rest: Omit<DatasetDocumentInput, 'format' | 'files'> = {
    source: { kind: 'npz', file: 'a.npz' },
    preprocessing: null,
    labels: ['a'],
    split: { validation: 0 },
  };

  it('a set without samples', async () => {
    const document = await store(npz(npy("'<f4'", [0, 3], []), npy("'|u1'", [0], [])), rest);
    await expect(open(document)).rejects.toThrow('Cannot read the data set: it has no samples');
  });

  it('validation of other dims than training', async () => {
    const one = npz(npy("'<f4'", [1, 1], [0, 0, 0, 0]), npy("'|u1'", [1], [0]));
    const two = npz(npy("'<f4'", [1, 2], new Uint8Array(8)), npy("'|u1'", [1], [0]));
    const document = await store(
      { ...one, 'b.npz': two['a.npz'] ?? new Uint8Array() },
      { ...rest, split: { source: { kind: 'npz', file: 'b.npz' } } },
    );
    await expect(open(document)).rejects.toThrow(
      'Cannot read the data set: samples are [1], those of its validation [2]',
    );
  });

  it('more than the memory allowed', async () => {
    const document = await store(tracked, {
      source: idxSource,
      preprocessing: null,
      labels: ['even', 'odd'],
      split: { validation: 0 },
    });
    const fileBytes = tracked['x.gz'].length;
    await expect(open(document, fileBytes + 100)).rejects.toThrow(
      'Cannot read IDX x.gz: [40,2,2] uint8 takes 160 bytes of memory, but 100 bytes of',
    );
    await expect(open(document, 10)).rejects.toThrow(
      `Cannot read IDX x.gz: the file takes ${fileBytes} bytes of memory, but 10 bytes of 10 bytes are left`,
    );
  });

  it('a sample beyond the last', async () => {
    const document = await store(npz(npy("'<f4'", [1, 1], [0, 0, 0, 0]), npy("'|u1'", [1], [0])), rest);
    const { train } = await open(document);
    expect(() => train.inputs([1])).toThrow('Cannot read sample 1: there are 1');
  });
});
