import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign } from '../../../gpu-runner/linalg/assignment.ts';
import { at, matrix, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { randomMatrix } from './samples.ts';

const total = (cost: Matrix, columns: Iterable<number>): number =>
  [...columns].reduce((sum, column, index) => sum + at(cost, index, column), 0);

/** Tries every assignment. */
function leastTotal(cost: Matrix, index = 0, taken = new Set<number>()): number {
  if (index === cost.rows) return 0;
  let best = Infinity;
  for (let column = 0; column < cost.cols; column += 1) {
    if (taken.has(column)) continue;
    taken.add(column);
    best = Math.min(best, at(cost, index, column) + leastTotal(cost, index + 1, taken));
    taken.delete(column);
  }
  return best;
}

const costs = (value: fc.Arbitrary<number>): fc.Arbitrary<Matrix> =>
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 }))
    .chain(([rows, more]) =>
      fc
        .array(value, { minLength: rows * (rows + more), maxLength: rows * (rows + more) })
        .map((data) => matrix(rows, rows + more, data)),
    );

describe('assign', () => {
  test('assign() finds the least total that trying everything finds', async () => {
    await fc.assert(
      fc.asyncProperty(costs(fc.double({ min: -10, max: 10, noNaN: true })), async (cost) => {
        const columns = await assign(cost);
        expect(new Set(columns).size).toBe(cost.rows);
        expect(total(cost, columns)).toBeCloseTo(leastTotal(cost), 9);
      }),
    );
  });

  test('assign() copes with many equal costs and with forbidden pairs', async () => {
    await fc.assert(
      fc.asyncProperty(costs(fc.constantFrom(0, 1, 2, Infinity)), async (cost) => {
        const least = leastTotal(cost);
        if (least === Infinity)
          await expect(assign(cost)).rejects.toThrow('too many of the pairs are forbidden');
        else expect(total(cost, await assign(cost))).toBe(least);
      }),
    );
  });

  test('assign() is the same pairing when a row or column gets dearer as a whole', async () => {
    const cost = randomMatrix(40, 40, 1);
    const shifted = matrix(
      40,
      40,
      cost.data.map((value, index) => value + (index % 40) + 3 * Math.floor(index / 40)),
    );
    expect(await assign(shifted)).toEqual(await assign(cost));
  });

  test('assign() finds a hidden permutation of 300', async () => {
    const hidden = Int32Array.from({ length: 300 }, (_, index) => (index * 7 + 11) % 300);
    const cost = matrix(300, 300, randomMatrix(300, 300, 2).data.map(Math.abs));
    hidden.forEach((column, index) => (cost.data[index * 300 + column] = -1));
    expect(await assign(cost)).toEqual(hidden);
  });

  test('assign() refuses more rows than columns, and costs that are no numbers', async () => {
    await expect(assign(matrix(2, 1))).rejects.toThrow('Cannot assign 2 rows to 1 columns');
    await expect(assign(matrix(1, 2, [0, NaN]))).rejects.toThrow('the cost of row 0, column 1 is NaN');
    await expect(assign(matrix(1, 2, [-Infinity, 0]))).rejects.toThrow(
      'the cost of row 0, column 0 is -Infinity',
    );
  });

  test('assign() of nothing is empty', async () => {
    expect(await assign(matrix(0, 0))).toEqual(new Int32Array());
  });
});
