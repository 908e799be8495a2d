import sharp from 'sharp';
import type { RawImage } from '../../shared/preprocess.ts';

/** Larger images are refused: one decoded takes four bytes a pixel, and a few are decoded at a time. */
export const maxImagePixels = 2 ** 25;

// Each image is small and several are decoded at once; nothing is read twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes a JPEG or PNG (by their first bytes, whatever the name) to RGB with or without alpha, 8 bits a channel (the
 * upper byte of 16), grey as three equal channels. Pixels are as they are stored: no colour profile and no EXIF rotation
 * is applied, as in torchvision's and Keras's readers of image folders.
 *
 * @throws {Error} with the reason: "not a JPEG or PNG (starts with 3c 68 74)"
 */
export async function decodeImage(bytes: Uint8Array): Promise<RawImage<Uint8Array>> {
  if (!isImage(bytes)) {
    const start = Array.from(bytes.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new Error(bytes.length === 0 ? 'it is empty' : `not a JPEG or PNG (starts with ${start})`);
  }
  const { data, info } = await sharp(bytes, {
    failOn: 'error',
    limitInputPixels: maxImagePixels,
    ignoreIcc: true,
  })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { width, height, channels, axes: 'HWC', data };
}

const starts = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
];
const isImage = (bytes: Uint8Array): boolean =>
  starts.some((start) => start.every((byte, at) => bytes[at] === byte));
