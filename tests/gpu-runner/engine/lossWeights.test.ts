import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamicAverage } from '../../../gpu-runner/engine/lossWeights.ts';

/** Follows losses, one row a step, to the weights of every step and of the one after. */
function weightsOver(rows: readonly (readonly number[])[], window: number, temperature = 2): number[][] {
  const average = dynamicAverage({ window, temperature }, rows[0]?.length ?? 0);
  let history = average.start;
  const weights = [average.weights(history, 0)];
  for (const [index, row] of rows.entries()) {
    history = average.next(history, index + 1, row);
    weights.push(average.weights(history, index + 1));
  }
  return weights;
}

describe('dynamicAverage()', () => {
  it('gives the weights of the paper from the means of the last two windows', () => {
    // Means: window one 4 and 2, window two 2 and 2: ratios 1/2 and 1.
    const rows = [
      [5, 1],
      [3, 3],
      [2.5, 2],
      [1.5, 2],
    ];
    const weights = weightsOver(rows, 2);
    expect(weights.slice(0, 4)).toEqual(Array(4).fill([1, 1]));
    const [slow, fast] = [Math.exp(1 / 2), Math.exp(1 / 4)];
    expect(weights[4]?.[0]).toBeCloseTo((2 * fast) / (slow + fast), 12);
    expect(weights[4]?.[1]).toBeCloseTo((2 * slow) / (slow + fast), 12);
  });

  it('keeps the weights between two windows', () => {
    const weights = weightsOver(
      [
        [4, 1],
        [4, 1],
        [1, 1],
        [1, 1],
        [100, 1],
      ],
      2,
    );
    expect(weights[5]).toEqual(weights[4]);
  });

  it('always adds up to the number of tasks, whatever the losses', () => {
    const loss = fc.double({ min: 0, max: 1e30, noNaN: true });
    const rows = fc.array(fc.tuple(loss, loss, loss), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 3 }), (losses, window) => {
        for (const weights of weightsOver(losses, window)) {
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(3, 9);
          expect(weights.every((weight) => weight >= 0)).toBe(true);
        }
      }),
    );
  });

  it('takes a loss that is 0 as one that stands still', () => {
    expect(
      weightsOver(
        [
          [0, 1],
          [0, 1],
        ],
        1,
      )[2],
    ).toEqual([1, 1]);
  });

  it('refuses a temperature of 0 and half a step', () => {
    expect(() => dynamicAverage({ temperature: 0 }, 2)).toThrow('Cannot weigh losses at temperature 0');
    expect(() => dynamicAverage({ window: 0.5 }, 2)).toThrow('Cannot average losses over 0.5 steps');
  });
});
