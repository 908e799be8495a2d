import sharp from 'sharp';
import { maxSheetLength, type PreviewSheet } from '../../shared/inspection.ts';
import type { PreviewImage } from './describeDataset.ts';

/** Pixels of a tile's longer side at most: larger images are made smaller. */
const largestSide = 96;
/** Bytes of all tiles together, before they are compressed. */
const maxRawBytes = 1_500_000;
const maxTiles = 400;
const columns = 20;

/**
 * Samples as one picture, so that a page gets them in one piece.
 *
 * @param images all of one size, class by class
 * @returns null when there are none
 */
export async function previewSheet(images: readonly PreviewImage[]): Promise<PreviewSheet | null> {
  const [first] = images;
  if (first === undefined) return null;
  const scale = Math.min(1, largestSide / Math.max(first.width, first.height));
  const width = Math.max(1, Math.round(first.width * scale));
  const height = Math.max(1, Math.round(first.height * scale));
  const affordable = Math.floor(maxRawBytes / (width * height * first.channels));
  let shown = images.slice(0, Math.max(1, Math.min(maxTiles, affordable)));
  for (;;) {
    const png = (await draw(shown, width, height)).toString('base64');
    if (png.length <= maxSheetLength) {
      const labels = shown.map(({ label }) => label);
      return { png, width, height, columns: Math.min(columns, shown.length), labels };
    }
    if (shown.length === 1) return null;
    shown = shown.slice(0, Math.ceil(shown.length / 2));
  }
}

async function draw(images: readonly PreviewImage[], width: number, height: number): Promise<Buffer> {
  const across = Math.min(columns, images.length);
  const tiles = await Promise.all(
    images.map(async (image, place) => {
      const raw = { width: image.width, height: image.height, channels: image.channels };
      const tile = await sharp(image.pixels, { raw }).resize(width, height, { fit: 'fill' }).png().toBuffer();
      return { input: tile, left: (place % across) * width, top: Math.floor(place / across) * height };
    }),
  );
  const size = { width: across * width, height: Math.ceil(images.length / across) * height };
  const sheet = sharp({ create: { ...size, channels: 3, background: '#000' } }).composite(tiles);
  const grey = images[0]?.channels === 1;
  return (grey ? sheet.toColourspace('b-w') : sheet).removeAlpha().png({ compressionLevel: 9 }).toBuffer();
}
