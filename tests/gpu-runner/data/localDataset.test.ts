import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unpackTar } from 'modern-tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localDataset, type LocalSource } from '../../../gpu-runner/data/localDataset.ts';
import { openDataset } from '../../../gpu-runner/data/openDataset.ts';
import { packImages } from '../../../gpu-runner/data/packImages.ts';
import { isLabelled } from '../../../gpu-runner/engine/dataset.ts';
import { pixelsTo1, type Preprocessing } from '../../../shared/preprocessing.ts';
import { npy, png, zip } from './byteFixtures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local test '));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(path: string, bytes: Uint8Array): Promise<string> {
  const at = join(folder, path);
  await mkdir(dirname(at), { recursive: true });
  await writeFile(at, bytes);
  return at;
}
const image = (value: number): Uint8Array => png(1, 0, [[value]]);
async function petFolder(name: string): Promise<string> {
  await write(`${name}/dog/1.png`, image(3));
  await write(`${name}/cat/2.png`, image(2));
  await write(`${name}/cat/1.png`, image(1));
  return join(folder, name);
}
const grey = pixelsTo1([1, 1, 1]);

it('localDataset() makes a document of a folder that opens without moving it', async () => {
  const from = await petFolder('my pets');
  const { document, resolveFile } = await localDataset(from, {
    preprocessing: grey,
    split: { validation: 0 },
  });
  expect(document).toMatchObject({
    files: [{ path: 'my-pets', sizeBytes: image(1).length * 3 }],
    source: { kind: 'images', archive: 'my-pets' },
    labels: ['cat', 'dog'],
    split: { validation: 0, seed: 1 },
    allowBad: 0.01,
  });
  const { train, validation } = await openDataset(document, resolveFile);
  expect([...train.inputs([0, 1, 2])]).toEqual([...Float32Array.of(1 / 255, 2 / 255, 3 / 255)]);
  expect(validation).toBeNull();
});

it('localDataset() gives equal folders equal digests, and changed ones others', async () => {
  const digest = async (path: string): Promise<string | undefined> =>
    (await localDataset(path, { preprocessing: grey })).document.files[0]?.sha256;
  const from = await petFolder('first');
  await cp(from, join(folder, 'second'), { recursive: true });
  expect(await digest(join(folder, 'second'))).toBe(await digest(from));
  await write('second/cat/1.png', image(9));
  expect(await digest(join(folder, 'second'))).not.toBe(await digest(from));
});

it('localDataset() reads the classes of arrays, and gives files of one name two', async () => {
  const arrays = (y: number[]): Uint8Array =>
    zip([
      { name: 'x.npy', bytes: npy("'|u1'", [y.length, 1, 1], y) },
      { name: 'label.npy', bytes: npy("'|u1'", [y.length], y) },
    ]);
  const train = await write('train/a.npz', arrays([0, 2]));
  const held = await write('held/a.npz', arrays([1]));
  const { document, resolveFile } = await localDataset(train, {
    preprocessing: grey,
    split: held,
    source: { y: 'label' },
  });
  expect(document.labels).toEqual(['0', '1', '2']);
  expect(document.files.map(({ path }) => path)).toEqual(['a.npz', '2-a.npz']);
  expect(document.files[0]?.sha256).toBe(
    createHash('sha256')
      .update(arrays([0, 2]))
      .digest('hex'),
  );
  const opened = await openDataset(document, resolveFile);
  expect([...opened.train.labels, ...(opened.validation?.labels ?? [])]).toEqual([0, 2, 1]);
});

it('localDataset() takes IDX files as images and labels', async () => {
  const images = await write('x.idx', Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 77));
  const labels = await write('y.idx', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 0));
  const { document, resolveFile } = await localDataset(
    { images, labels },
    { preprocessing: grey, labels: ['only'], split: { validation: 0 } },
  );
  expect(document.source).toEqual({ kind: 'idx', images: 'x.idx', labels: 'y.idx' });
  expect((await openDataset(document, resolveFile)).train.inputs([0])[0]).toBe(Math.fround(77 / 255));
});

describe('localDataset() takes data without labels', () => {
  const values = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => i).buffer);
  const x = { name: 'x.npy', bytes: npy("'<f4'", [10, 4], values(40)) };
  const opened = async (from: LocalSource, preprocessing: Preprocessing | null) => {
    const { document, resolveFile } = await localDataset(from, { preprocessing, classes: 3 });
    const { train, validation, labels } = await openDataset(document, resolveFile);
    expect(labels).toEqual(['0', '1', '2']);
    expect(isLabelled(train)).toBe(false);
    return [train.size, validation?.size];
  };

  it('an .npz of samples only, a tenth of it held out', async () => {
    const path = await write('bare.npz', zip([x]));
    expect(await opened(path, null)).toEqual([9, 1]);
    await expect(localDataset(path, { preprocessing: null })).rejects.toThrow(
      'it has no labels: say where they are, or name the classes of its network',
    );
  });

  it('but no .npz whose labels may be called otherwise', async () => {
    const target = { name: 'target.npy', bytes: npy("'|u1'", [10], new Uint8Array(10)) };
    const path = await write('other.npz', zip([x, target]));
    await expect(localDataset(path, { preprocessing: null, classes: 3 })).rejects.toThrow(
      'Cannot read y of other.npz: there is no such array; it has x, target',
    );
  });

  it('images in no folder, and what is no image beside them is named', async () => {
    for (const name of ['a', 'b', 'c']) await write(`flat/${name}.png`, image(7));
    await write('flat/notes.txt', Buffer.from('of whom'));
    expect(await opened(join(folder, 'flat'), grey)).toEqual([3, undefined]);
    const { document, resolveFile } = await localDataset(join(folder, 'flat'), {
      preprocessing: grey,
      classes: 3,
    });
    expect((await openDataset(document, resolveFile)).problems).toEqual([
      { path: 'notes.txt', reason: "its name is no image's" },
    ]);
  });

  it('IDX images alone', async () => {
    const header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2];
    const path = await write('images-idx3-ubyte', Uint8Array.from([...header, ...Array<number>(8).fill(5)]));
    expect(await opened(path, pixelsTo1([1, 2, 2]))).toEqual([2, undefined]);
  });
});

describe('localDataset() refuses', () => {
  it('what it does not know, and what is not there', async () => {
    const path = await write('data.csv', Buffer.from('1,2'));
    await expect(localDataset(path, { preprocessing: grey })).rejects.toThrow(
      `Cannot use ${path} as a data set: it is neither a folder nor an .npz, .zip, .tar or .tar.gz`,
    );
    await expect(localDataset(`${path}.gone`, { preprocessing: grey })).rejects.toThrow(
      /Cannot use .*ENOENT/,
    );
  });
  it('a folder without images, saying how IDX files are named', async () => {
    await write('idx/train-images-idx3-ubyte', Uint8Array.of(0, 0, 8, 3));
    await expect(localDataset(join(folder, 'idx'), { preprocessing: grey })).rejects.toThrow(
      /it has no folders of JPEG or PNG images; IDX files are named as images,labels$/,
    );
  });
  it('images without preprocessing', async () => {
    await expect(localDataset(await petFolder('third'), { preprocessing: null })).rejects.toThrow(
      /images need preprocessing/,
    );
  });
});

it('packImages() makes the same archive of the same files, which opens as the folder does', async () => {
  const from = await petFolder('packed');
  const longName = `cat/${'n'.repeat(180)}.png`;
  await write(`packed/${longName}`, image(5));
  await write('packed/.DS_Store', image(0));
  const targets = [join(folder, 'one.tar'), join(folder, 'two.tar')] as const;
  await packImages(from, targets[0]);
  await cp(from, join(folder, 'packed again'), { recursive: true });
  await packImages(join(folder, 'packed again'), targets[1]);
  const bytes = await readFile(targets[0]);
  expect(bytes.equals(await readFile(targets[1]))).toBe(true);
  expect((await unpackTar(bytes)).map(({ header }) => header.name)).toEqual([
    'cat/1.png',
    'cat/2.png',
    longName,
    'dog/1.png',
  ]);
  const inputs = async (path: string): Promise<number[]> => {
    const { document, resolveFile } = await localDataset(path, {
      preprocessing: grey,
      split: { validation: 0 },
    });
    return [...(await openDataset(document, resolveFile)).train.inputs([0, 1, 2, 3])];
  };
  expect(await inputs(targets[0])).toEqual(await inputs(from));
});

it('packImages() leaves nothing behind when it cannot', async () => {
  const target = join(folder, 'none.tar');
  await expect(packImages(join(folder, 'nowhere'), target)).rejects.toThrow(/^Cannot pack .*nowhere: ENOENT/);
  expect((await readdir(folder)).filter((file) => file.startsWith('none'))).toEqual([]);
});
