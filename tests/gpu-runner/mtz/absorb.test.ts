import { describe, expect, test } from 'vitest';
import { matrix, plus } from '../../../gpu-runner/linalg/matrix.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { largestDifference, product, randomMatrix } from '../linalg/samples.ts';
import { loss, oneRow, randomGram } from './samples.ts';

const weights = randomMatrix(4, 10, 1);
const kept = [1, 2, 4, 6, 9];

/** Kept weights in place, zeros where inputs were dropped. */
function spread(reduced: Float64Array): ReturnType<typeof matrix> {
  const full = matrix(1, 10);
  kept.forEach((index, k) => (full.data[index] = reduced[k] ?? 0));
  return full;
}

describe('absorbDropped', () => {
  test.each([
    ['plain inputs', randomGram(10, 40, 2)],
    ['inputs dead among the kept and the dropped', randomGram(10, 40, 3, [2, 3])],
    ['fewer samples than inputs', randomGram(10, 4, 4)],
  ])('absorbDropped() reports the loss its weights have, and no others have less: %s', async (_, gram) => {
    const { weights: reduced, losses } = await absorbDropped(weights, gram, kept);
    for (let i = 0; i < 4; i += 1) {
      const own = reduced.data.subarray(i * kept.length, (i + 1) * kept.length);
      const least = loss(spread(own), oneRow(weights, i), gram);
      expect(losses[i]).toBeCloseTo(least, 8);
      for (let seed = 10; seed < 20; seed += 1) {
        const near = plus(matrix(1, kept.length, own.slice()), randomMatrix(1, kept.length, seed), 1e-2);
        expect(loss(spread(near.data), oneRow(weights, i), gram)).toBeGreaterThan(least);
      }
    }
  });

  test('absorbDropped() loses nothing when a dropped input is a combination of kept ones', async () => {
    // Input 0 is input 1 plus twice input 2.
    const x = randomMatrix(10, 60, 5);
    for (let s = 0; s < 60; s += 1) x.data[s] = (x.data[60 + s] ?? 0) + 2 * (x.data[120 + s] ?? 0);
    const gram = product(
      x,
      matrix(
        60,
        10,
        Float64Array.from({ length: 600 }, (_, k) => x.data[(k % 10) * 60 + Math.floor(k / 10)] ?? 0),
      ),
    );
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const { weights: reduced, losses } = await absorbDropped(weights, gram, all);
    for (const value of losses) expect(value).toBeLessThan(1e-10);
    expect(reduced.data[0]).toBeCloseTo((weights.data[1] ?? 0) + (weights.data[0] ?? 0), 8);
    expect(reduced.data[1]).toBeCloseTo((weights.data[2] ?? 0) + 2 * (weights.data[0] ?? 0), 8);
  });

  test('absorbDropped() changes nothing when nothing is dropped', async () => {
    const everything = Array.from({ length: 10 }, (_, index) => index);
    const { weights: same, losses } = await absorbDropped(weights, randomGram(10, 40, 6), everything);
    expect(largestDifference(same, weights)).toBe(0);
    expect(losses).toEqual(new Float64Array(4));
  });

  test('absorbDropped() refuses a Gram matrix whose kept part is not positive definite', async () => {
    await expect(absorbDropped(weights, matrix(10, 10), kept)).rejects.toThrow('not positive definite');
  });
});
