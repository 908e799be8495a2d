import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDataset } from '../../../gpu-runner/data/describeDataset.ts';
import { localDataset } from '../../../gpu-runner/data/localDataset.ts';
import { inspection } from '../../../shared/inspection.ts';
import { pixelsTo1 } from '../../../shared/preprocessing.ts';
import { npy, png, zip } from './byteFixtures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'describe test '));
});
afterAll(() => rm(folder, { recursive: true }));

it('describeDataset() counts, names bad files and shows the first of each class', async () => {
  const path = join(folder, 'pets.zip');
  const image = (value: number): Uint8Array => png(2, 2, [[value, 1, 2, value, 3, 4]]);
  await writeFile(
    path,
    zip([
      { name: 'cat/b.png', bytes: image(20) },
      { name: 'cat/a.png', bytes: image(10) },
      { name: 'cat/c.png', bytes: image(30) },
      { name: 'dog/a.png', bytes: image(40) },
      { name: 'dog/b.png', bytes: Buffer.from('<ht') },
    ]),
  );
  const { document, resolveFile } = await localDataset(path, {
    preprocessing: pixelsTo1([3, 1, 2]),
    labels: ['dog', 'cat', 'cow'],
    split: { validation: 0.34 },
    allowBad: 0.2,
  });
  const described = await describeDataset(document, resolveFile, { perClass: 2 });
  expect(described.inspection).toEqual({
    format: 'trunkline.inspection/1',
    kind: 'dataset',
    samples: 4,
    sampleDims: [3, 1, 2],
    classes: 3,
    labelCounts: [1, 3, 0],
    badFiles: [{ path: 'dog/b.png', reason: 'not a JPEG or PNG (starts with 3c 68 74)' }],
    problems: ['1 of 3 classes have no samples: cow'],
  });
  expect(inspection.parse(described.inspection)).toEqual(described.inspection);
  expect(described.validationSamples).toBe(1);
  // Bytes as they were in the files, channels together.
  expect(described.preview).toEqual(
    [
      [0, 40],
      [1, 10],
      [1, 20],
    ].map(([label, value]) => ({
      label,
      width: 2,
      height: 1,
      channels: 3,
      pixels: Uint8Array.from([value ?? 0, 1, 2, value ?? 0, 3, 4]),
    })),
  );
});

it('describeDataset() stretches numbers that are no bytes, and shows no vectors', async () => {
  const describe = async (dims: number[]) => {
    const path = join(folder, 'a.npz');
    await writeFile(
      path,
      zip([
        {
          name: 'x.npy',
          bytes: npy("'<f4'", [1, ...dims], new Uint8Array(Float32Array.of(-1, 0, 1, 3).buffer)),
        },
        { name: 'y.npy', bytes: npy("'|u1'", [1], [0]) },
      ]),
    );
    const { document, resolveFile } = await localDataset(path, { preprocessing: null });
    return describeDataset(document, resolveFile);
  };
  expect((await describe([1, 2, 2])).preview).toEqual([
    { label: 0, width: 2, height: 2, channels: 1, pixels: Uint8Array.of(0, 64, 128, 255) },
  ]);
  const vectors = await describe([4]);
  expect(vectors.preview).toEqual([]);
  expect(vectors.inspection.sampleDims).toEqual([4]);
});

it('describeDataset() says what samples without labels are good for', async () => {
  const path = join(folder, 'bare.npz');
  const x = new Uint8Array(Float32Array.from({ length: 8 }, (_, at) => at).buffer);
  await writeFile(path, zip([{ name: 'x.npy', bytes: npy("'<f4'", [4, 2], x) }]));
  const { document, resolveFile } = await localDataset(path, { preprocessing: null, labels: ['a', 'b'] });
  const described = await describeDataset(document, resolveFile);
  expect(inspection.parse(described.inspection)).toMatchObject({
    samples: 4,
    labelCounts: [0, 0],
    problems: ['Its samples have no labels: they serve retraining by distillation only'],
  });
});
