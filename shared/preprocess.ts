import type { Preprocessing } from './preprocessing.ts';
import { resamplePlane, taps } from './resample.ts';

/** Raw values of pixels or of anything laid out like them. */
export type Pixels = Uint8Array | Float32Array;

/** An image as a decoder gives it. */
export interface RawImage<P extends Pixels = Pixels> {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number;
  /** `HWC`: the channels of a pixel lie together; `CHW`: one plane a channel. */
  readonly axes: 'HWC' | 'CHW';
  readonly data: P;
}

/** One raw image as the network reads it, float32 [C, H, W]. @throws {Error} as `fitImage` does */
export function preprocess(image: RawImage, preprocessing: Preprocessing): Float32Array {
  return scalePixels(fitImage(image, preprocessing), preprocessing);
}

/**
 * The image's pixels in the network's layout [C, H, W], still raw values: channels, resizing and cutting. Bytes stay
 * bytes (rounded), so a data set can keep them so.
 *
 * @throws {Error} when channels or size do not fit and nothing in `preprocessing` makes them: "it is 30 x 28, ..."
 */
export function fitImage<P extends Pixels>(image: RawImage<P>, preprocessing: Preprocessing): P {
  const { width, height, channels, data } = image;
  const { layout, resize } = preprocessing;
  const [depth, rows, columns] = layout;
  if (!(width >= 1 && height >= 1 && data.length === width * height * channels))
    throw new Error(`${data.length} values are not ${width} x ${height} pixels of ${channels} channels`);
  if (!resize && (width !== columns || height !== rows))
    throw new Error(
      `it is ${width} x ${height}, the network reads ${columns} x ${rows}, and no resizing is declared`,
    );
  const planes = toChannels(image, preprocessing.channels);
  const length = depth * rows * columns;
  // Uint8ClampedArray rounds to the nearest byte.
  const result = data instanceof Uint8Array ? new Uint8ClampedArray(length) : new Float32Array(length);
  const box = resize && sourceBox(width, height, resize);
  const across = box && taps(resize.mode, { ...box.across, size: width, ...middle(resize.width, columns) });
  const down = box && taps(resize.mode, { ...box.down, size: height, ...middle(resize.height, rows) });
  const fitted = planes.map((plane) => (across && down ? resamplePlane(plane, width, across, down) : plane));
  for (let c = 0; c < depth; c++) {
    // Grey that becomes RGB has one plane for all three.
    const plane = fitted[Math.min(c, fitted.length - 1)];
    if (plane) result.set(plane, c * rows * columns);
  }
  return (data instanceof Uint8Array ? new Uint8Array(result.buffer) : result) as P;
}

/**
 * `(value * scale - mean) / std` per channel, of any number of images [..., C, H, W]. For bytes each of the 256 results
 * is computed once.
 */
export function scalePixels(
  pixels: Pixels,
  { layout, scale, mean, std }: Preprocessing,
): Float32Array<ArrayBuffer> {
  const [depth, height, width] = layout;
  const area = height * width;
  const result = new Float32Array(pixels.length);
  const scaled = (value: number, c: number): number => (value * scale - (mean[c] ?? 0)) / (std[c] ?? 1);
  const tables = Array.from({ length: depth }, (_, c) =>
    Float32Array.from({ length: 256 }, (_, value) => scaled(value, c)),
  );
  for (let at = 0, c = 0; at < pixels.length; c = (c + 1) % depth) {
    const table = tables[c];
    const end = Math.min(at + area, pixels.length);
    if (pixels instanceof Uint8Array && table)
      for (; at < end; at++) result[at] = table[pixels[at] ?? 0] ?? 0;
    else for (; at < end; at++) result[at] = scaled(pixels[at] ?? 0, c);
  }
  return result;
}

const middle = (outputs: number, count: number): { outputs: number; count: number; from: number } => ({
  outputs,
  count,
  from: Math.floor((outputs - count) / 2),
});

interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** What of the image the resized one shows: all, or the middle of the wanted proportions. */
function sourceBox(
  width: number,
  height: number,
  resize: NonNullable<Preprocessing['resize']>,
): { across: Stretch; down: Stretch } {
  const cover = Math.max(resize.width / width, resize.height / height);
  const stretch = (size: number, wanted: number): Stretch => {
    const length = resize.fit === 'cover' ? Math.min(size, wanted / cover) : size;
    return { start: (size - length) / 2, length };
  };
  return { across: stretch(width, resize.width), down: stretch(height, resize.height) };
}

/** One plane [H, W] a channel: grey (one), RGB (three), or grey for RGB (one, to be repeated). */
function toChannels<P extends Pixels>(image: RawImage<P>, wanted: 'grey' | 'rgb'): P[] {
  const { channels } = image;
  if (!(channels >= 1 && channels <= 4))
    throw new Error(`it has ${channels} channels, which is neither grey (1, 2) nor RGB (3, 4)`);
  if (channels <= 2) return [plane(image, 0)];
  const rgb = [plane(image, 0), plane(image, 1), plane(image, 2)] as const;
  return wanted === 'rgb' ? [...rgb] : [luma(...rgb)];
}

function plane<P extends Pixels>({ width, height, channels, axes, data }: RawImage<P>, c: number): P {
  const area = width * height;
  if (axes === 'CHW') return data.subarray(c * area, (c + 1) * area) as P;
  if (channels === 1) return data;
  const result = data instanceof Uint8Array ? new Uint8Array(area) : new Float32Array(area);
  for (let at = 0, from = c; at < area; at++, from += channels) result[at] = data[from] ?? 0;
  return result as P;
}

/** ITU-R BT.601; for bytes in Pillow's 16-bit integers, so that grey images are the ones networks were trained on. */
function luma<P extends Pixels>(red: P, green: P, blue: P): P {
  const bytes = red instanceof Uint8Array;
  const result = bytes ? new Uint8Array(red.length) : new Float32Array(red.length);
  for (let at = 0; at < result.length; at++) {
    const [r, g, b] = [red[at] ?? 0, green[at] ?? 0, blue[at] ?? 0];
    result[at] = bytes ? (r * 19595 + g * 38470 + b * 7471 + 32768) >> 16 : 0.299 * r + 0.587 * g + 0.114 * b;
  }
  return result as P;
}
