import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTask } from '../../examples/tasks.ts';
import { readIdxFile } from '../../gpu-runner/data/idx.ts';

const shipped = join(import.meta.dirname, '../../examples/data/fashion-mnist');
const original = join(import.meta.dirname, '../../../shared/data/fashion-mnist');

it('readTask() reads all of MNIST', async () => {
  const { train, validation, test, labels } = await readTask('digit');
  expect([train.size, validation.size, test.size]).toEqual([55_000, 5_000, 10_000]);
  expect(train.sampleDims).toEqual([1, 28, 28]);
  expect(labels).toHaveLength(10);
  expect([...train.labels.slice(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  expect([...test.labels.slice(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
});

it('readTask() reads the subset of Fashion-MNIST, as many of each class', async () => {
  const { train, validation, test, labels } = await readTask('fashion');
  expect(train.size + validation.size).toBe(11_000);
  expect(test.size).toBe(2_000);
  expect(labels).toHaveLength(10);
  const counts = (all: Iterable<number>): number[] => {
    const count = new Array<number>(10).fill(0);
    for (const label of all) count[label] = (count[label] ?? 0) + 1;
    return count;
  };
  expect(counts([...train.labels, ...validation.labels])).toEqual(new Array(10).fill(1100));
  expect(counts(test.labels)).toEqual(new Array(10).fill(200));
});

it('readTask() gives pixels from 0 to 1', async () => {
  const { train } = await readTask('fashion');
  const pixels = train.inputs([0, 1, 2]);
  expect(Math.min(...pixels)).toBe(0);
  expect(Math.max(...pixels)).toBe(1);
});

it('the shipped subset takes at most 6 MB and carries its licence', async () => {
  const names = await readdir(shipped);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(shipped, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(6e6);
  expect(names).toContain('LICENSE');
});

it.skipIf(!existsSync(original))(
  'the shipped subset is the first images of each class, unchanged (needs the original files)',
  async () => {
    for (const [split, perClass] of [
      ['train', 1100],
      ['test', 200],
    ] as const) {
      const [allImages, allLabels] = [
        await readIdxFile(join(original, `${split}-images-idx3-ubyte.gz`)),
        await readIdxFile(join(original, `${split}-labels-idx1-ubyte.gz`)),
      ];
      const [images, labels] = [
        await readIdxFile(join(shipped, `${split}-images-idx3-ubyte.gz`)),
        await readIdxFile(join(shipped, `${split}-labels-idx1-ubyte.gz`)),
      ];
      const taken = new Array<number>(10).fill(0);
      let at = 0;
      for (const [index, label] of allLabels.data.entries()) {
        if ((taken[label] ?? 0) >= perClass) continue;
        taken[label] = (taken[label] ?? 0) + 1;
        const same =
          labels.data[at] === label &&
          Buffer.compare(Buffer.from(image(images.data, at)), Buffer.from(image(allImages.data, index))) ===
            0;
        expect(same, `${split} image ${at}`).toBe(true);
        at += 1;
      }
      expect(at).toBe(10 * perClass);
    }
  },
);

const image = (pixels: ArrayLike<number>, index: number): ArrayLike<number> =>
  (pixels as Uint8Array).subarray(784 * index, 784 * (index + 1));
