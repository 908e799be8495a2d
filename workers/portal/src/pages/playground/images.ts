import type { PreviewSheet } from '../../../../../shared/inspection.ts';
import type { RawImage } from '../../../../../shared/preprocess.ts';

/** Longest side an image is read at: a phone's photograph is resized to a few hundred pixels anyway. */
const longestSide = 1024;

/** A picture from a file, as bytes. @throws {Error} when the browser cannot read it */
export async function readImage(file: Blob): Promise<RawImage<Uint8Array>> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch (cause) {
    throw new Error('Cannot read this file as an image: use a JPEG, PNG, WebP or AVIF file.', { cause });
  }
  const scale = Math.min(1, longestSide / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  ];
  return pixelsOf(bitmap, { x: 0, y: 0, width: bitmap.width, height: bitmap.height }, width, height);
}

/** The picture of a sheet of samples. */
export async function readSheet({ png }: PreviewSheet): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: 'image/png' }));
}

/** One sample of a sheet. */
export function tileOf(sheet: PreviewSheet, picture: ImageBitmap, at: number): RawImage<Uint8Array> {
  const { width, height, columns } = sheet;
  const box = { x: (at % columns) * width, y: Math.floor(at / columns) * height, width, height };
  return pixelsOf(picture, box, width, height);
}

function pixelsOf(
  picture: ImageBitmap,
  from: { x: number; y: number; width: number; height: number },
  width: number,
  height: number,
): RawImage<Uint8Array> {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('Cannot read images: this browser has no canvas.');
  context.drawImage(picture, from.x, from.y, from.width, from.height, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, channels: 4, axes: 'HWC', data: new Uint8Array(data.buffer) };
}
