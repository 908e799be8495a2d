import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../gpu-runner/data/decodeImage.ts';
import { flatJpeg, join, png } from './byteFixtures.ts';

it('decodeImage() reads a PNG written by hand, grey, RGB and with transparency', async () => {
  const rgb = [
    [255, 0, 0, 0, 255, 0],
    [0, 0, 255, 1, 2, 3],
  ];
  expect(await decodeImage(png(2, 2, rgb))).toMatchObject({ width: 2, height: 2, channels: 3, axes: 'HWC' });
  expect([...(await decodeImage(png(2, 2, rgb))).data]).toEqual(rgb.flat());
  const grey = await decodeImage(png(3, 0, [[0, 100, 255]]));
  expect(grey).toMatchObject({ width: 3, height: 1, channels: 3 });
  expect([...grey.data]).toEqual([0, 0, 0, 100, 100, 100, 255, 255, 255]);
  const see = await decodeImage(png(1, 6, [[10, 20, 30, 128]]));
  expect([...see.data]).toEqual([10, 20, 30, 128]);
});

it('decodeImage() takes the upper byte of 16 bits', async () => {
  const grey = await decodeImage(png(3, 0, [[0, 0, 0x80, 0x12, 0xff, 0xff]], 16));
  expect([...grey.data]).toEqual([0, 0, 0, 0x80, 0x80, 0x80, 0xff, 0xff, 0xff]);
  const rgb = await decodeImage(png(1, 2, [[0x40, 0x12, 0x80, 0x34, 0xff, 0xff]], 16));
  expect([...rgb.data]).toEqual([0x40, 0x80, 0xff]);
});

it('decodeImage() reads a JPEG written by hand from its coefficient', async () => {
  for (const value of [0, 3, 100, 128, 129, 200, 254]) {
    const { width, height, channels, data } = await decodeImage(flatJpeg(value));
    expect([width, height, channels]).toEqual([8, 8, 3]);
    expect([...data]).toEqual(Array(192).fill(value));
  }
});

describe('decodeImage() refuses', () => {
  const whole = png(2, 2, [
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3, 4, 5, 6],
  ]);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /it is empty/],
    ['a web page', Buffer.from('<html>'), /not a JPEG or PNG \(starts with 3c 68 74\)/],
    ['a GIF', Buffer.from('GIF89a...'), /not a JPEG or PNG \(starts with 47 49 46\)/],
    ['a vector graphic', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /not a JPEG or PNG/],
    ['a cut PNG', whole.subarray(0, 50), /./],
    ['a cut JPEG', flatJpeg(200).subarray(0, 100), /./],
    // 65,280 x 65,280 pixels in a few bytes.
    ['a decompression bomb', bomb(), /pixel limit/],
  ];
  it.each(cases)('%s', async (_, bytes, message) => {
    await expect(decodeImage(bytes)).rejects.toThrow(message);
  });
});

function bomb(): Uint8Array {
  const small = flatJpeg(1);
  const at = small.findIndex((byte, index) => byte === 0xff && small[index + 1] === 0xc0);
  small.set([0xff, 0, 0xff, 0], at + 5);
  return small;
}

it('decodeImage() ends every damaged file with an error or an image, never otherwise', async () => {
  const start = { png: png(4, 0, [[1, 2, 3, 4]]), jpeg: flatJpeg(77) };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<'png' | 'jpeg'>('png', 'jpeg'),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
      fc.nat(200),
      async (kind, changes, length) => {
        const bytes = join(start[kind].subarray(0, Math.max(20, length)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          const { width, height, channels, data } = await decodeImage(bytes);
          expect(data.length).toBe(width * height * channels);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).name).not.toBe('AssertionError');
        }
      },
    ),
    { numRuns: 150 },
  );
});
