import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matrix, submatrix } from '../../../gpu-runner/linalg/matrix.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { sharingCost } from '../../../gpu-runner/mtz/cost.ts';
import {
  alike,
  diagonalBlock,
  halfSquares,
  ofInputs,
  samplesSystem,
} from '../../../gpu-runner/mtz/factoredGram.ts';
import { sharedWeights } from '../../../gpu-runner/mtz/update.ts';
import { randomMatrix } from '../linalg/samples.ts';
import { everyEntry, randomFactored, relativeDifference } from './factored.ts';
import { loss, oneRow } from './samples.ts';

/** Any number of inputs and samples, more or fewer; damped as recipes do, relative to a mean diagonal of about 1. */
const cases = fc.record({
  inputs: fc.integer({ min: 2, max: 40 }),
  samplesA: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
  samplesB: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
  dampingA: fc.constantFrom(1e-5, 1e-4, 1e-2),
  dampingB: fc.constantFrom(1e-5, 1e-4, 1e-2),
  channels: fc.integer({ min: 1, max: 6 }),
  seed: fc.nat(1e6),
});

describe('factored Gram matrices', () => {
  test('cost, shared weights and what drops absorb are those of the whole matrices', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ inputs, channels, seed, ...both }) => {
        const gramA = randomFactored(inputs, both.samplesA, seed, both.dampingA);
        const gramB = randomFactored(inputs, both.samplesB, seed + 1, both.dampingB);
        const [wholeA, wholeB] = [everyEntry(gramA), everyEntry(gramB)];
        const [a, b] = [randomMatrix(channels, inputs, seed + 2), randomMatrix(channels, inputs, seed + 3)];
        const costs = await Promise.all([sharingCost(a, b, gramA, gramB), sharingCost(a, b, wholeA, wholeB)]);
        expect(relativeDifference(costs[0].data, costs[1].data)).toBeLessThan(1e-9);
        const weights = await Promise.all([
          sharedWeights(a, b, gramA, gramB),
          sharedWeights(a, b, wholeA, wholeB),
        ]);
        expect(relativeDifference(weights[0].data, weights[1].data)).toBeLessThan(1e-9);
        const kept = [...Array(inputs).keys()].filter((k) => (k * 7 + seed) % 3 !== 0 || k === inputs - 1);
        const absorbed = await Promise.all([absorbDropped(a, gramA, kept), absorbDropped(a, wholeA, kept)]);
        expect(relativeDifference(absorbed[0].weights.data, absorbed[1].weights.data)).toBeLessThan(1e-9);
        // The whole matrices lose digits here: the loss is a small difference of large numbers.
        expect(relativeDifference(absorbed[0].losses, absorbed[1].losses)).toBeLessThan(1e-6);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test('the cost is the loss that the shared weights cause, with far fewer samples than inputs', async () => {
    const [gramA, gramB] = [randomFactored(60, [4], 1, 1e-6), randomFactored(60, [3, 2], 2, 1e-6)];
    const [a, b] = [randomMatrix(3, 60, 3), randomMatrix(2, 60, 4)];
    const cost = await sharingCost(a, b, gramA, gramB);
    for (let i = 0; i < 3; i += 1) {
      for (let j = 0; j < 2; j += 1) {
        const w = await sharedWeights(oneRow(a, i), oneRow(b, j), gramA, gramB);
        const direct = loss(w, oneRow(a, i), everyEntry(gramA)) + loss(w, oneRow(b, j), everyEntry(gramB));
        expect(Math.abs((cost.data[i * 2 + j] ?? NaN) - direct) / direct).toBeLessThan(1e-9);
      }
    }
  });

  test('equal channels cost nothing and keep their weights', async () => {
    const [gramA, gramB] = [randomFactored(30, [8], 5), randomFactored(30, [9], 6)];
    const channels = randomMatrix(4, 30, 7);
    const cost = await sharingCost(channels, channels, gramA, gramB);
    for (let i = 0; i < 4; i += 1) expect(cost.data[i * 5]).toBeLessThan(1e-12);
    expect(cost.data[1]).toBeGreaterThan(1e-3);
    const shared = await sharedWeights(channels, channels, gramA, gramB);
    expect(relativeDifference(shared.data, channels.data)).toBeLessThan(1e-14);
  });

  test('halfSquares(), diagonalBlock() and ofInputs() agree with the whole matrix', async () => {
    const gram = randomFactored(12, [5, 3], 8);
    const whole = everyEntry(gram);
    const rows = randomMatrix(4, 12, 9);
    const squares = await halfSquares(gram, rows);
    const direct = Array.from({ length: 4 }, (_, i) => loss(oneRow(rows, i), matrix(1, 12), whole));
    expect(relativeDifference(squares, direct)).toBeLessThan(1e-13);
    const block = await diagonalBlock(gram, 3, 7);
    expect(relativeDifference(block.data, submatrix(whole, [3, 4, 5, 6], [3, 4, 5, 6]).data)).toBeLessThan(
      1e-14,
    );
    expect((await diagonalBlock(whole, 3, 7)).data).toEqual(
      submatrix(whole, [3, 4, 5, 6], [3, 4, 5, 6]).data,
    );
    const some = [11, 0, 5];
    expect(everyEntry(ofInputs(gram, some)).data).toEqual(submatrix(whole, some, some).data);
    expect(ofInputs(gram, [...Array(12).keys()]).factors[0]).toBe(gram.factors[0]);
  });

  test('samplesSystem() is the products of all samples with each other, shifted', async () => {
    const { factors } = randomFactored(6, [2, 1], 10);
    const system = await samplesSystem(factors, 0.5);
    const rows = factors.flatMap(({ data, rows: count }) =>
      Array.from({ length: count }, (_, sample) => data.subarray(sample * 6, (sample + 1) * 6)),
    );
    const direct = rows.flatMap((one, i) =>
      rows.map((other, j) => one.reduce((sum, value, k) => sum + value * (other[k] ?? 0), i === j ? 0.5 : 0)),
    );
    expect(relativeDifference(system.data, direct)).toBeLessThan(1e-15);
  });

  test('what is undamped, indefinite, of other sizes or of another form is refused', async () => {
    const gram = randomFactored(10, [4], 11);
    const undamped = { ...gram, damping: 0 };
    const weights = randomMatrix(2, 10, 12);
    const refused = 'Cannot solve with fewer samples than inputs undamped: the damping is 0';
    await expect(sharedWeights(weights, weights, undamped, undamped)).rejects.toThrow(`${refused} and 0`);
    await expect(absorbDropped(weights, undamped, [1, 2, 9])).rejects.toThrow(refused);
    const negative = { ...gram, damping: -1 };
    await expect(sharingCost(weights, weights, gram, negative)).rejects.toThrow(
      'the damping is 0.0001 and -1',
    );
    const unknown = { ...gram, factors: [matrix(1, 10, new Float64Array(10).fill(NaN))] };
    await expect(sharingCost(weights, weights, gram, unknown)).rejects.toThrow('not positive definite');
    await expect(sharingCost(weights, weights, gram, randomFactored(11, [4], 11))).rejects.toThrow(
      'Cannot compare Gram matrices of 10 and of 11 inputs',
    );
    expect(() => alike(gram, everyEntry(gram))).toThrow('Cannot compare a Gram matrix with a factored one');
  });
});
