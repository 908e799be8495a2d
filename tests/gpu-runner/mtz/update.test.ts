import { describe, expect, test } from 'vitest';
import { matrix, plus, row } from '../../../gpu-runner/linalg/matrix.ts';
import { sharedWeights } from '../../../gpu-runner/mtz/update.ts';
import { largestDifference, product, randomMatrix } from '../linalg/samples.ts';
import { loss, oneRow, randomGram } from './samples.ts';

const a = randomMatrix(3, 9, 1);
const b = randomMatrix(3, 9, 2);
const c = randomMatrix(3, 9, 3);
const [gramA, gramB, gramC] = [randomGram(9, 30, 4), randomGram(9, 30, 5), randomGram(9, 30, 6)];

describe('sharedWeights', () => {
  test('sharedWeights() satisfies its normal equations, row by row', async () => {
    const w = await sharedWeights(a, b, gramA, gramB);
    expect(
      largestDifference(product(w, plus(gramA, gramB)), plus(product(a, gramA), product(b, gramB))),
    ).toBeLessThan(1e-12);
  });

  test('sharedWeights() cannot be bettered by a step in any direction', async () => {
    const w = oneRow(await sharedWeights(a, b, gramA, gramB), 1);
    const at = (point: typeof w): number =>
      loss(point, oneRow(a, 1), gramA) + loss(point, oneRow(b, 1), gramB);
    const least = at(w);
    for (let seed = 10; seed < 30; seed += 1) {
      expect(at(plus(w, randomMatrix(1, 9, seed), 1e-3))).toBeGreaterThan(least);
    }
  });

  test('sharedWeights() of equal channels are those channels', async () => {
    expect(largestDifference(await sharedWeights(a, a, gramA, gramB), a)).toBeLessThan(1e-12);
  });

  test('sharedWeights() takes a weight that only one side feels from that side', async () => {
    const blind = randomGram(9, 30, 7);
    for (let k = 0; k < 9; k += 1) blind.data[2 * 9 + k] = blind.data[k * 9 + 2] = 0;
    // Where B never sees input 2, A alone decides: A's loss by input 2 must be stationary.
    const w = await sharedWeights(a, b, gramA, blind);
    const gradient = product(plus(w, a, -1), gramA);
    for (let i = 0; i < 3; i += 1) expect(row(gradient, i)[2]).toBeCloseTo(0, 12);
  });

  test('sharing a third net with two already shared equals sharing all three at once', async () => {
    const both = await sharedWeights(a, b, gramA, gramB);
    const sequential = await sharedWeights(both, c, plus(gramA, gramB), gramC);
    // The joint optimum: A and B's pull counted as one net with the summed pull.
    const pull = plus(plus(product(a, gramA), product(b, gramB)), product(c, gramC));
    const sum = plus(plus(gramA, gramB), gramC);
    expect(largestDifference(product(sequential, sum), pull)).toBeLessThan(1e-12);
  });

  test('sharedWeights() refuses Gram matrices whose sum is not positive definite', async () => {
    await expect(sharedWeights(a, b, matrix(9, 9), matrix(9, 9))).rejects.toThrow('not positive definite');
  });
});
