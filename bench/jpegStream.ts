import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { decodeImage } from '../gpu-runner/data/decodeImage.ts';
import { fitImage } from '../shared/preprocess.ts';
import { pixelsTo1 } from '../shared/preprocessing.ts';

/** Bytes [N, 3, H, W]. */
export interface DecodedImages {
  readonly dims: readonly [number, number, number, number];
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Images decoded at a time. */
const atATime = 4;

/**
 * Decodes JPEGs of one size that lie one after another in a gzipped file.
 *
 * @param offsets [N + 1]: where each begins, and where the last one ends
 * @throws {Error} "Cannot read <path>: ..." naming the first image that is wrong
 */
export async function readJpegStream(path: string, offsets: Int32Array): Promise<DecodedImages> {
  const refuse = (reason: string): Error => new Error(`Cannot read ${path}: ${reason}`);
  const stream = gunzipSync(await readFile(path));
  const count = offsets.length - 1;
  const wrong = offsets.findIndex((offset, at) => offset <= (at === 0 ? -1 : (offsets[at - 1] ?? 0)));
  if (wrong >= 0) throw refuse(`offset ${wrong} is ${offsets[wrong] ?? ''}, not beyond the one before`);
  if (count < 1 || offsets[count] !== stream.length)
    throw refuse(`its offsets end at ${offsets[count] ?? 'nothing'}, the images at ${stream.length}`);

  const image = (index: number): Uint8Array => stream.subarray(offsets[index], offsets[index + 1]);
  const { width, height } = await decodeImage(image(0));
  const layout = pixelsTo1([3, height, width]);
  const length = 3 * height * width;
  const data = new Uint8Array(count * length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      try {
        data.set(fitImage(await decodeImage(image(index)), layout), index * length);
      } catch (cause) {
        throw refuse(`image ${index}: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return { dims: [count, 3, height, width], data };
}
