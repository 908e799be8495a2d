import { describe, expect, it } from 'vitest';
import { augmented, flipped, shifted, type Augmentation } from '../../../gpu-runner/engine/augment.ts';
import { memoryDataset, subset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { patterns } from './tinyNets.ts';

/** Two channels of 3x4, numbered from 1. */
const image = (): Float32Array => Float32Array.from({ length: 24 }, (_, index) => index + 1);
const dims = [2, 3, 4];

describe('augmented()', () => {
  it('changes samples by seed and step, and not at all without a step', () => {
    const data = augmented(patterns(), [flipped(), shifted(2)], 3);
    const batch = [4, 5, 6, 7, 8, 9];
    const plain = patterns().inputs(batch);
    expect(data.inputs(batch)).toEqual(plain);
    expect(data.inputs(batch, 7)).toEqual(data.inputs(batch, 7));
    expect(data.inputs(batch, 7)).not.toEqual(plain);
    expect(data.inputs(batch, 8)).not.toEqual(data.inputs(batch, 7));
    const other = augmented(patterns(), [flipped(), shifted(2)], 4);
    expect(other.inputs(batch, 7)).not.toEqual(data.inputs(batch, 7));
    expect(data.labels).toEqual(patterns().labels);
  });

  it('leaves the samples underneath as they are', () => {
    const inputs = new Float32Array(64).map((_, index) => index);
    const under = memoryDataset({ sampleDims: [1, 8, 8], classes: 1, labels: Int32Array.of(0), inputs });
    augmented(under, [flipped(1), shifted(3)], 1).inputs([0], 1);
    expect(Array.from(under.inputs([0]))).toEqual(Array.from({ length: 64 }, (_, index) => index));
  });

  it('works through a subset, and on top of one', () => {
    const whole = augmented(patterns(), [flipped(1)], 1);
    const part = subset(whole, [10, 11, 12]);
    expect(part.inputs([2], 5)).toEqual(whole.inputs([12], 5));
    expect(part.inputs([2], 5)).not.toEqual(part.inputs([2]));
  });

  it('draws anew for every sample of a batch', () => {
    const drawn: number[] = [];
    const draw: Augmentation = (_, __, random) => void drawn.push(random.uint32());
    augmented(patterns(), [draw], 1).inputs([1, 1, 1], 0);
    expect(new Set(drawn).size).toBe(3);
  });
});

describe('flipped()', () => {
  it('mirrors every row of every channel', () => {
    const sample = image();
    flipped(1)(sample, dims, new Random(1));
    expect(Array.from(sample.slice(0, 8))).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    expect(Array.from(sample.slice(-4))).toEqual([24, 23, 22, 21]);
  });

  it('does so as often as asked', () => {
    const random = new Random(1);
    let count = 0;
    for (let trial = 0; trial < 4000; trial += 1) {
      const sample = image();
      flipped(0.25)(sample, dims, random);
      if (sample[0] === 4) count += 1;
    }
    // Five standard errors.
    expect(Math.abs(count / 4000 - 0.25)).toBeLessThan(0.035);
  });

  it('refuses probabilities above 1 and samples that are no images', () => {
    expect(() => flipped(1.1)).toThrow('Cannot flip with probability 1.1');
    expect(() => flipped(1)(new Float32Array(4), [4], new Random(1))).toThrow(
      'Cannot augment samples of [4]',
    );
  });
});

describe('shifted()', () => {
  it('moves images by every shift up to the limit, equally often, and fills what comes in', () => {
    const random = new Random(2);
    const seen = new Map<string, number>();
    for (let trial = 0; trial < 2500; trial += 1) {
      const sample = image();
      shifted(2, -1)(sample, [2, 3, 4], random);
      const at = (c: number, y: number, x: number): number => sample[(c * 3 + y) * 4 + x] ?? NaN;
      const inside = (y: number, x: number): boolean => y >= 0 && y < 3 && x >= 0 && x < 4;
      // Where pixel (y, x) of the image went is found from any pixel that stayed inside.
      const place = sample.findIndex((value) => value > 0);
      const from = (sample[place] ?? 0) - 1;
      const down = Math.floor((place % 12) / 4) - Math.floor((from % 12) / 4);
      const right = (place % 4) - (from % 4);
      seen.set(`${down},${right}`, (seen.get(`${down},${right}`) ?? 0) + 1);
      for (let c = 0; c < 2; c += 1)
        for (let y = 0; y < 3; y += 1)
          for (let x = 0; x < 4; x += 1) {
            const [sourceY, sourceX] = [y - down, x - right];
            const expected = inside(sourceY, sourceX) ? (c * 3 + sourceY) * 4 + sourceX + 1 : -1;
            expect(at(c, y, x)).toBe(expected);
          }
    }
    expect(seen.size).toBe(25);
    // 100 each on average; five standard deviations.
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
  });

  it('refuses shifts of a part of a pixel, and out of the image', () => {
    expect(() => shifted(1.5)).toThrow('Cannot shift images by 1.5 pixels');
    expect(() => shifted(3)(image(), dims, new Random(1))).toThrow('Cannot shift images of 3x4 by 3 pixels');
  });
});
