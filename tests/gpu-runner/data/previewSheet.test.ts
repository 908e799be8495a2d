import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { PreviewImage } from '../../../gpu-runner/data/describeDataset.ts';
import { previewSheet as draw } from '../../../gpu-runner/data/previewSheet.ts';
import { maxSheetLength, previewSheet } from '../../../shared/inspection.ts';

const image = (
  label: number,
  width: number,
  height: number,
  channels: 1 | 3,
  from: number,
): PreviewImage => ({
  label,
  width,
  height,
  channels,
  pixels: Uint8Array.from({ length: width * height * channels }, (_, at) => (from + at * 7) % 256),
});

const pixelsOf = async (png: string): Promise<{ data: Buffer; width: number; channels: number }> => {
  const { data, info } = await sharp(Buffer.from(png, 'base64')).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, channels: info.channels };
};

it.each([1, 3] as const)(
  'previewSheet() lays samples of %i channels out as tiles, pixel by pixel',
  async (channels) => {
    const images = Array.from({ length: 23 }, (_, at) => image(at % 4, 5, 3, channels, at * 11));
    const sheet = await draw(images);
    expect(previewSheet.parse(sheet)).toEqual(sheet);
    expect(sheet).toMatchObject({
      width: 5,
      height: 3,
      columns: 20,
      labels: images.map(({ label }) => label),
    });
    const { data, width, channels: stored } = await pixelsOf(sheet?.png ?? '');
    expect(width).toBe(100);
    // The second row's second tile, its last pixel.
    const at = (row: number, column: number): number[] => [
      ...data.subarray((row * width + column) * stored, (row * width + column) * stored + channels),
    ];
    expect(at(3 + 2, 5 + 4)).toEqual([...(images[21]?.pixels.subarray(14 * channels) ?? [])]);
  },
);

it('previewSheet() makes large samples small and shows fewer where all would be too much', async () => {
  const noise = Array.from({ length: 120 }, (_, at): PreviewImage => {
    let state = at + 1;
    const pixels = Uint8Array.from({ length: 200 * 100 * 3 }, () => {
      state = (state * 48271) % 2147483647;
      return state % 256;
    });
    return { label: at, width: 200, height: 100, channels: 3, pixels };
  });
  const sheet = await draw(noise);
  expect(sheet).toMatchObject({ width: 96, height: 48 });
  expect(sheet?.png.length).toBeLessThanOrEqual(maxSheetLength);
  expect(sheet?.labels.length).toBeGreaterThan(5);
  expect(sheet?.labels.length).toBeLessThan(120);
});

it('previewSheet() has nothing to show of samples that are no images', async () => {
  expect(await draw([])).toBeNull();
});
