import { describe, expect, test } from 'vitest';
import { at, matrix, plus, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { sharingCost } from '../../../gpu-runner/mtz/cost.ts';
import { sharedWeights } from '../../../gpu-runner/mtz/update.ts';
import { largestDifference, randomMatrix } from '../linalg/samples.ts';
import { loss, oneRow, randomGram } from './samples.ts';

const a = randomMatrix(5, 12, 1);
const b = randomMatrix(4, 12, 2);

describe('sharingCost', () => {
  test.each([
    ['no input is dead', [], []],
    ['inputs are dead in one net', [2, 7], []],
    ['inputs are dead in the other net', [], [0]],
    ['an input is dead in both nets', [3], [3]],
  ])('sharingCost() is the loss that the shared weights cause when %s', async (_, deadA, deadB) => {
    const gramA = randomGram(12, 40, 3, deadA);
    const gramB = randomGram(12, 40, 4, deadB);
    const cost = await sharingCost(a, b, gramA, gramB);
    for (let i = 0; i < a.rows; i += 1) {
      for (let j = 0; j < b.rows; j += 1) {
        const w = await sharedWeights(oneRow(a, i), oneRow(b, j), gramA, gramB);
        const direct = loss(w, oneRow(a, i), gramA) + loss(w, oneRow(b, j), gramB);
        expect(at(cost, i, j)).toBeCloseTo(direct, 9);
      }
    }
  });

  test('sharingCost() of an input that only one side has is nothing for that input', async () => {
    const gramA = randomGram(12, 40, 3);
    const gramB = randomGram(12, 40, 4);
    // B does not read input 5 at all: exact zeros, no damping.
    for (let k = 0; k < 12; k += 1) gramB.data[5 * 12 + k] = gramB.data[k * 12 + 5] = 0;
    const other = matrix(4, 12, b.data.slice());
    for (let j = 0; j < 4; j += 1) other.data[j * 12 + 5] = 1000;
    const cost = await sharingCost(a, b, gramA, gramB);
    expect(largestDifference(await sharingCost(a, other, gramA, gramB), cost)).toBeLessThan(1e-9);
  });

  test('sharingCost() does not mind which side is called A', async () => {
    const [gramA, gramB] = [randomGram(12, 40, 3), randomGram(12, 30, 4)];
    const cost = await sharingCost(a, b, gramA, gramB);
    expect(largestDifference(transpose(await sharingCost(b, a, gramB, gramA)), cost)).toBeLessThan(1e-12);
  });

  test('sharingCost() is never negative, and zero between equal channels', async () => {
    const gram = randomGram(30, 31, 5);
    const channels = randomMatrix(20, 30, 6);
    const cost = await sharingCost(channels, channels, gram, gram);
    for (const value of cost.data) expect(value).toBeGreaterThanOrEqual(0);
    for (let i = 0; i < 20; i += 1) expect(at(cost, i, i)).toBeLessThan(1e-12);
    expect(at(cost, 0, 1)).toBeGreaterThan(0.1);
  });

  test('sharingCost() is exact with far fewer samples than inputs, where damping alone makes the sum definite', async () => {
    const gramA = randomGram(40, 3, 7);
    const gramB = randomGram(40, 2, 8);
    const [one, other] = [randomMatrix(1, 40, 9), randomMatrix(1, 40, 10)];
    const w = await sharedWeights(one, other, gramA, gramB);
    const direct = loss(w, one, gramA) + loss(w, other, gramB);
    const [cost = NaN] = (await sharingCost(one, other, gramA, gramB)).data;
    expect(Math.abs(cost - direct) / direct).toBeLessThan(1e-6);
  });

  test('sharingCost() refuses a sum of Gram matrices that is not positive definite', async () => {
    const flat = matrix(12, 12);
    await expect(sharingCost(a, b, flat, flat)).rejects.toThrow('not positive definite');
    await expect(sharingCost(a, b, plus(flat, randomGram(12, 40, 1), -1), flat)).rejects.toThrow(RangeError);
    await expect(sharingCost(a, b, randomGram(11, 40, 1), randomGram(11, 40, 2))).rejects.toThrow(
      'Cannot multiply',
    );
  });
});
