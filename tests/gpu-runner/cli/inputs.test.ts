import { afterEach, beforeEach, expect, test } from 'vitest';
import sharp from 'sharp';
import { fromNested, readInputs } from '../../../gpu-runner/cli/inputs.ts';
import { Home } from './runCli.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
});
afterEach(() => home.remove());

const image = (name: string, side: number, r: number): Promise<unknown> =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r, g: 0, b: 255 } } })
    .png()
    .toFile(home.path(name));
const reads = [{ name: 'image', datatype: 'FP32', shape: [-1, 3, 2, 2] }];

test('readInputs() makes a batch of images as they are declared', async () => {
  await image('a.png', 2, 255);
  await image('b.png', 2, 51);
  const { tensors, samples } = await readInputs([home.path('a.png'), home.path('b.png')], reads, {
    array: 'x',
    preprocessing: () =>
      Promise.resolve({
        ...{ layout: [3, 2, 2], channels: 'rgb', scale: 1 / 255 },
        ...{ mean: [0.5, 0, 0], std: [1, 1, 2] },
      }),
    note: () => undefined,
  });
  expect(samples).toEqual([home.path('a.png'), home.path('b.png')]);
  expect(tensors.image?.dims).toEqual([2, 3, 2, 2]);
  const rounded = Array.from(tensors.image?.data as Float32Array, (value) => Number(value.toFixed(3)));
  expect(rounded).toEqual([
    ...[0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5],
    ...[-0.3, -0.3, -0.3, -0.3, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5],
  ]);
});

test('readInputs() resizes images when nobody declared how, and says so', async () => {
  await image('a.png', 9, 255);
  const notes: string[] = [];
  const { tensors } = await readInputs([home.path('a.png')], reads, {
    array: 'x',
    preprocessing: () => Promise.resolve(null),
    note: (text) => notes.push(text),
  });
  expect(Array.from(tensors.image?.data as Float32Array)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
  expect(notes).toEqual([
    'Nobody declared how images become inputs: they are resized to 2 x 2, pixels / 255',
  ]);
});

test('fromNested() reads row-major, and refuses ragged arrays and what is no number', () => {
  expect(fromNested([[[1, 2]], [[3, 4]]])).toEqual({ dims: [2, 1, 2], data: [1, 2, 3, 4] });
  expect(fromNested(5)).toEqual({ dims: [], data: [5] });
  expect(() => fromNested([[1, 2], [3]])).toThrow('its arrays differ in length: one has 1, others 2');
  expect(() => fromNested([[1], 2])).toThrow('its arrays differ in length: one has none, others 1');
  expect(() => fromNested([1, 'a'])).toThrow('it holds string where a number should be');
  expect(() => fromNested([null])).toThrow('it holds null where a number should be');
});
