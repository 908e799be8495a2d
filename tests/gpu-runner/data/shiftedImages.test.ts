import { expect, it } from 'vitest';
import { shiftedImages } from '../../../gpu-runner/data/shiftedImages.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';

const images = memoryDataset({
  sampleDims: [2, 3, 4],
  classes: 5,
  labels: Int32Array.of(4, 2),
  inputs: Float32Array.from({ length: 48 }, (_, i) => i + 1),
});

it('shiftedImages() has every image at every shift, with its label', () => {
  const shifted = shiftedImages(images, 1);
  expect(shifted).toMatchObject({ size: 18, classes: 5, sampleDims: [2, 3, 4] });
  expect([...shifted.labels]).toEqual(Array.from({ length: 18 }, (_, s) => (s % 2 ? 2 : 4)));
});

it('shiftedImages() moves each pixel by the shift of the sample and shifts zeros in', () => {
  const reach = 2;
  const shifted = shiftedImages(images, reach);
  const all = Array.from({ length: shifted.size }, (_, s) => s);
  const original = images.inputs([0, 1]);
  const expected = new Float32Array(shifted.size * 24);
  for (const s of all) {
    const [down, right] = [Math.floor(Math.floor(s / 2) / 5) - reach, (Math.floor(s / 2) % 5) - reach];
    for (let c = 0; c < 2; c++)
      for (let y = 0; y < 3; y++)
        for (let x = 0; x < 4; x++) {
          const [fromY, fromX] = [y - down, x - right];
          if (fromY < 0 || fromY >= 3 || fromX < 0 || fromX >= 4) continue;
          expected[s * 24 + c * 12 + y * 4 + x] = original[(s % 2) * 24 + c * 12 + fromY * 4 + fromX] ?? NaN;
        }
  }
  expect(shifted.inputs(all)).toEqual(expected);
});

it('shiftedImages() by nothing is the data set itself', () => {
  const same = shiftedImages(images, 0);
  expect(same.inputs([1, 0])).toEqual(images.inputs([1, 0]));
});

it('shiftedImages() refuses vectors and shifts out of sight', () => {
  const vectors = memoryDataset({
    sampleDims: [2],
    classes: 1,
    labels: Int32Array.of(0),
    inputs: Float32Array.of(1, 2),
  });
  expect(() => shiftedImages(vectors, 1)).toThrow('Cannot shift samples of [2]: they are not [C, H, W]');
  expect(() => shiftedImages(images, 3)).toThrow('Cannot shift 3 x 4 images by 3 pixels');
});
