import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitImage, preprocess, scalePixels, type RawImage } from '../../shared/preprocess.ts';
import { pixelsTo1, type Preprocessing } from '../../shared/preprocessing.ts';

const bytes = (width: number, height: number, channels: number, ...data: number[]): RawImage<Uint8Array> => ({
  width,
  height,
  channels,
  axes: 'HWC',
  data: Uint8Array.from(data),
});

test('preprocess() puts the channels of pixels into planes and scales them', () => {
  const rgb = { ...pixelsTo1([3, 1, 2]), mean: [0, 0.5, 0], std: [1, 0.25, 2] };
  const image = bytes(2, 1, 3, 255, 51, 102, 0, 255, 255);
  expect(preprocess(image, rgb)).toEqual(
    Float32Array.of(1, 0, (51 / 255 - 0.5) / 0.25, (1 - 0.5) / 0.25, 102 / 255 / 2, 0.5),
  );
});

test('pixels / 255 gives the same floats as dividing, for every byte', () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(scalePixels(all, pixelsTo1([1, 16, 16]))).toEqual(Float32Array.from(all, (byte) => byte / 255));
});

test('scalePixels() treats floats as it treats bytes, over several images', () => {
  const values = { ...pixelsTo1([3, 1, 2]), mean: [0.1, 0.2, 0.3], std: [0.5, 2, 3] };
  const raw = Uint8Array.from({ length: 12 }, (_, at) => at * 20);
  expect(scalePixels(Float32Array.from(raw), values)).toEqual(scalePixels(raw, values));
});

test('grey from RGB is luma as Pillow rounds it, and grey becomes RGB by repeating', () => {
  // Image.new('RGB', ...).convert('L') for these pixels.
  const image = bytes(4, 1, 3, 255, 0, 0, 0, 255, 0, 0, 0, 255, 12, 200, 77);
  expect([...fitImage(image, pixelsTo1([1, 1, 4]))]).toEqual([76, 150, 29, 130]);
  expect([...fitImage(bytes(2, 1, 1, 7, 9), pixelsTo1([3, 1, 2]))]).toEqual([7, 9, 7, 9, 7, 9]);
});

test('transparency is dropped, not blended', () => {
  expect([...fitImage(bytes(1, 1, 4, 10, 20, 30, 0), pixelsTo1([3, 1, 1]))]).toEqual([10, 20, 30]);
  expect([...fitImage(bytes(2, 1, 2, 10, 0, 30, 255), pixelsTo1([1, 1, 2]))]).toEqual([10, 30]);
});

test('planes in and pixels in give the same', () => {
  const planes: RawImage = { ...bytes(2, 1, 3, 1, 4, 2, 5, 3, 6), axes: 'CHW' };
  const mixed = bytes(2, 1, 3, 1, 2, 3, 4, 5, 6);
  for (const layout of [pixelsTo1([3, 1, 2]), pixelsTo1([1, 1, 2])])
    expect(fitImage(planes, layout)).toEqual(fitImage(mixed, layout));
});

describe('fitImage() resizes', () => {
  const to = (
    height: number,
    width: number,
    resize: NonNullable<Preprocessing['resize']>,
  ): Preprocessing => ({ ...pixelsTo1([1, height, width]), resize });

  test('by averaging what a pixel covers, rounded to bytes', () => {
    const image = bytes(4, 2, 1, 0, 10, 20, 30, 40, 50, 60, 70);
    const half = to(1, 2, { width: 2, height: 1, mode: 'bilinear', fit: 'stretch' });
    // Triangle filter: rows weigh the same; columns weigh 3/8, 3/8, 1/8 of the right one (the left one likewise).
    const left = (20 * 3 + 30 * 3 + 40) / 7;
    const right = (30 + 40 * 3 + 50 * 3) / 7;
    expect([...fitImage(image, half)]).toEqual([Math.round(left), Math.round(right)]);
    const floats = fitImage({ ...image, data: Float32Array.from(image.data) }, half);
    expect(floats[0]).toBeCloseTo(left, 5);
  });

  test('`cover` keeps proportions and shows the middle', () => {
    const wide = bytes(6, 2, 1, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    const square = to(2, 2, { width: 2, height: 2, mode: 'nearest', fit: 'cover' });
    expect([...fitImage(wide, square)]).toEqual([3, 4, 3, 4]);
    const tall = bytes(2, 6, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6);
    expect([...fitImage(tall, square)]).toEqual([3, 3, 4, 4]);
  });

  test('and cuts the middle out of a larger size', () => {
    const image = bytes(4, 4, 1, ...Array.from({ length: 16 }, (_, at) => at));
    const cut = to(2, 2, { width: 4, height: 4, mode: 'bilinear', fit: 'stretch' });
    expect([...fitImage(image, cut)]).toEqual([5, 6, 9, 10]);
  });

  test('an image of one colour to that colour, whatever the sizes', () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        fc.tuple(side, side, side, side),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom<'nearest' | 'bilinear'>('nearest', 'bilinear'),
        fc.constantFrom<'stretch' | 'cover'>('stretch', 'cover'),
        ([width, height, columns, rows], value, mode, fit) => {
          const image = bytes(width, height, 1, ...Array<number>(width * height).fill(value));
          const resized = fitImage(image, to(rows, columns, { width: columns, height: rows, mode, fit }));
          expect([...resized]).toEqual(Array(rows * columns).fill(value));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('fitImage() refuses', () => {
  test('another size when no resizing is declared', () => {
    expect(() => fitImage(bytes(3, 2, 1, 1, 2, 3, 4, 5, 6), pixelsTo1([1, 2, 2]))).toThrow(
      'it is 3 x 2, the network reads 2 x 2, and no resizing is declared',
    );
  });
  test('values that are not the pixels', () => {
    expect(() => fitImage(bytes(2, 2, 1, 1, 2, 3), pixelsTo1([1, 2, 2]))).toThrow(
      '3 values are not 2 x 2 pixels of 1 channels',
    );
  });
  test('five channels', () => {
    expect(() => fitImage(bytes(1, 1, 5, 1, 2, 3, 4, 5), pixelsTo1([3, 1, 1]))).toThrow('it has 5 channels');
  });
});
