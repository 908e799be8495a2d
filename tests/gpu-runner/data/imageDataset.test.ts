import { describe, expect, it } from 'vitest';
import { imageDataset } from '../../../gpu-runner/data/imageDataset.ts';
import type { Tensor } from '../../../shared/tensor.ts';

const bytes = (dims: number[], ...data: number[]): Tensor<'uint8'> => ({
  dtype: 'uint8',
  dims,
  data: Uint8Array.from(data),
});
const threeImages = bytes([3, 2, 1], 0, 51, 102, 153, 204, 255);

it('imageDataset() reads grey images as one channel from 0 to 1, in the order asked for', () => {
  const data = imageDataset(threeImages, bytes([3], 2, 0, 1), 3);
  expect(data).toMatchObject({ size: 3, classes: 3, sampleDims: [1, 2, 1] });
  expect([...data.labels]).toEqual([2, 0, 1]);
  const expected = Float32Array.of(204 / 255, 1, 0, 51 / 255, 204 / 255, 1);
  expect(data.inputs([2, 0, 2])).toEqual(expected);
  expect(data.inputs(Uint32Array.of(2, 0, 2))).toEqual(expected);
});

it('imageDataset() keeps the channels of colour images', () => {
  const data = imageDataset(bytes([1, 3, 1, 2], 0, 255, 255, 0, 0, 0), bytes([1], 0), 1);
  expect(data.sampleDims).toEqual([3, 1, 2]);
  expect([...data.inputs([0])]).toEqual([0, 1, 1, 0, 0, 0]);
});

it('imageDataset() refuses to read an image that does not exist', () => {
  const data = imageDataset(threeImages, bytes([3], 2, 0, 1), 3);
  expect(() => data.inputs([3])).toThrow('Cannot read image 3: there are 3');
  expect(() => data.inputs([-1])).toThrow('Cannot read image -1');
});

describe('imageDataset() refuses', () => {
  const labels = bytes([3], 2, 0, 1);
  const floats: Tensor<'float32'> = { dtype: 'float32', dims: [3, 2, 1], data: new Float32Array(6) };
  const cases: [string, Tensor, Tensor, number, RegExp][] = [
    ['images of floats', floats, labels, 3, /images are float32, not uint8/],
    ['labels of floats', threeImages, { ...floats, dims: [3] }, 3, /labels are float32, not uint8/],
    ['vectors', bytes([3, 2], 0, 0, 0, 0, 0, 0), labels, 3, /images are \[3,2\], not \[N, H, W\]/],
    [
      'fewer labels than images',
      threeImages,
      bytes([2], 0, 1),
      3,
      /there are 3 images, but the labels are \[2\]/,
    ],
    [
      'a label out of range',
      threeImages,
      bytes([3], 0, 3, 1),
      3,
      /label 3 of image 1 is not below 3 classes/,
    ],
  ];
  it.each(cases)('%s', (_, images, wrongLabels, classes, message) => {
    expect(() => imageDataset(images, wrongLabels, classes)).toThrow(message);
  });
});
