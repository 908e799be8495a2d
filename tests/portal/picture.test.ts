import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { compose, windowSize } from '../../scripts/portal-picture/compose.ts';
import type { Shot } from '../../scripts/portal-picture/Recorder.ts';
import { captions } from '../../scripts/portal-picture/story.ts';
import { chromiumPath, openBrowser } from './browser.ts';

const { width, height } = windowSize;
const shot = async (step: number, background: string, pointer: Shot['pointer'] = null): Promise<Shot> => ({
  ...{ step, holdMs: 500 + step, pointer },
  png: await sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer(),
});

describe.skipIf(chromiumPath === null)('the picture of the portal', () => {
  it('is an animation: a frame a shot, each for its time, under its caption, with the pointer where it was', async () => {
    const browser = await openBrowser();
    try {
      const shots = [
        await shot(0, '#c00'),
        await shot(1, '#0c0'),
        await shot(1, '#0c0', { x: width / 2, y: height / 2 }),
      ];
      const picture = await compose(browser, shots, captions);
      const { format, pages, delay, loop } = await sharp(picture, { animated: true }).metadata();
      expect([format, pages, delay, loop]).toEqual(['webp', 3, [500, 501, 501], 0]);
      const frames = await Promise.all(
        shots.map((_, page) =>
          sharp(picture, { page }).removeAlpha().raw().toBuffer({ resolveWithObject: true }),
        ),
      );
      const at = (frame: number, x: number, y: number): number[] => {
        const { data, info } = frames[frame] ?? { data: Buffer.alloc(0), info: { width: 0, height: 0 } };
        const place = 3 * (Math.round(y * info.height) * info.width + Math.round(x * info.width));
        return [...data.subarray(place, place + 3)];
      };
      const isLike = ([r = 0, g = 0]: number[]): string =>
        r > g + 100 ? 'red' : g > r + 100 ? 'green' : 'else';
      expect([0, 1].map((frame) => isLike(at(frame, 0.25, 0.5)))).toEqual(['red', 'green']);
      // The caption's ground is above the window.
      expect(at(0, 0.9, 0.01).every((value) => value > 245)).toBe(true);
      const differs = (one: number, other: number, part: (y: number) => boolean): boolean => {
        const [a, b] = [frames[one], frames[other]];
        if (!a || !b) throw new Error('there is no frame');
        const row = 3 * a.info.width;
        return a.data.some(
          (value, index) => part(index / row / a.info.height) && Math.abs(value - (b.data[index] ?? 0)) > 60,
        );
      };
      expect(differs(0, 1, (y) => y < 0.06)).toBe(true);
      expect(differs(1, 2, (y) => y < 0.06)).toBe(false);
      expect(differs(1, 2, (y) => y > 0.4)).toBe(true);
    } finally {
      await browser.close();
    }
  });
});
