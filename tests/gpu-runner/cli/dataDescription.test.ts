import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localData, readPreprocessing } from '../../../gpu-runner/cli/dataDescription.ts';
import { Home } from './runCli.ts';
import { writeTinyMerge } from './tinyMerge.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
});
afterEach(() => home.remove());

test('localData() takes two IDX files, and the numbers of the classes where nobody names them', async () => {
  const text = `${home.path('fashion.images')},${home.path('fashion.labels')}`;
  const { document } = await localData(text, { sampleDims: [4] });
  expect(document).toMatchObject({
    source: { kind: 'idx', images: 'fashion.images', labels: 'fashion.labels' },
    preprocessing: null,
    split: { validation: 0.1, seed: 1 },
  });
  expect(document.labels[0]).toBe('0');
});

test('localData() follows a description, whose paths are relative to it', async () => {
  const { document, resolveFile } = await localData(home.path('digit.json'));
  expect(document).toMatchObject({ labels: ['digit-0', 'digit-1', 'digit-2'], split: { validation: 0.25 } });
  const [file] = document.files;
  expect(file && (await resolveFile(file))).toBe(home.path('digit.images'));
});

test('localData() takes a data-set document beside its files', async () => {
  const { document } = await localData(home.path('digit.json'));
  await writeFile(home.path('document.json'), JSON.stringify(document));
  const again = await localData(home.path('document.json'));
  expect(again.document).toEqual(document);
  const [file] = document.files;
  expect(file && (await again.resolveFile(file))).toBe(home.path('digit.images'));
});

test('localData() reads images as the network reads them, pixels / 255', async () => {
  await mkdir(home.path('shapes', 'circle'), { recursive: true });
  await writeFile(home.path('shapes', 'circle', 'a.png'), 'looked at later');
  const { document } = await localData(home.path('shapes'), { sampleDims: [1, 28, 28] });
  expect(document.preprocessing).toMatchObject({ layout: [1, 28, 28], channels: 'grey', scale: 1 / 255 });
  expect(document.labels).toEqual(['circle']);
});

test.each([
  ['{', /Cannot use .*d\.json as data: .*JSON/],
  ['{"from": "x", "colour": 1}', /Cannot use .*d\.json as data: .*colour/],
  ['{"format": "trunkline.dataset/1"}', /Cannot use .*d\.json as data: .*files/],
  ['{"from": "missing.npz"}', /Cannot use .*missing\.npz as a data set: .*ENOENT/],
])('localData() refuses %s', async (text, why) => {
  await writeFile(home.path('d.json'), text);
  await expect(localData(home.path('d.json'))).rejects.toThrow(why);
});

test('localData() refuses three IDX files, readPreprocessing() what is none', async () => {
  await expect(localData('a,b,c')).rejects.toThrow('name two IDX files, images,labels');
  await writeFile(home.path('p.json'), '{"layout": [2, 2, 2]}');
  await expect(readPreprocessing(home.path('p.json'))).rejects.toThrow(
    /^Cannot use .*p\.json as preprocessing: /,
  );
});
