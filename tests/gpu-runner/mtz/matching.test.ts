import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchings } from '../../../shared/recipe.ts';
import { at, matrix, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { match, type Pair } from '../../../gpu-runner/mtz/matching.ts';
import { randomMatrix } from '../linalg/samples.ts';

const total = (pairs: readonly Pair[]): number => pairs.reduce((sum, pair) => sum + pair.cost, 0);

/** The least total of `count` pairs, by trying all of them. */
function leastTotal(cost: Matrix, count: number, from = 0, taken = new Set<number>()): number {
  if (count === 0) return 0;
  if (from === cost.rows) return Infinity;
  let best = leastTotal(cost, count, from + 1, taken);
  for (let b = 0; b < cost.cols; b += 1) {
    if (taken.has(b)) continue;
    taken.add(b);
    best = Math.min(best, at(cost, from, b) + leastTotal(cost, count - 1, from + 1, taken));
    taken.delete(b);
  }
  return best;
}

const problems = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
  .chain(([rows, cols]) =>
    fc.tuple(
      fc
        .array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: rows * cols, maxLength: rows * cols })
        .map((data) => matrix(rows, cols, data)),
      fc.integer({ min: 0, max: Math.min(rows, cols) }),
    ),
  );

describe('match', () => {
  test('optimal match() has the least total cost of all choices of that many pairs', async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ([cost, count]) => {
        expect(total(await match(cost, count, 'optimal'))).toBeCloseTo(leastTotal(cost, count), 9);
      }),
    );
  });

  test.each(matchings)(
    '%s match() gives that many pairs, no channel twice, in order, at their own costs',
    async (matching) => {
      await fc.assert(
        fc.asyncProperty(problems, async ([cost, count]) => {
          const pairs = await match(cost, count, matching);
          expect(pairs).toHaveLength(count);
          expect(new Set(pairs.map((pair) => pair.a)).size).toBe(count);
          expect(new Set(pairs.map((pair) => pair.b)).size).toBe(count);
          expect(pairs.map((pair) => pair.a)).toEqual(pairs.map((pair) => pair.a).sort((x, y) => x - y));
          for (const pair of pairs) expect(pair.cost).toBe(at(cost, pair.a, pair.b));
        }),
      );
    },
  );

  test('greedy match() takes the cheapest pair first, whatever it costs later', async () => {
    const cost = matrix(2, 2, [0, 1, 1, 10]);
    expect(await match(cost, 2, 'greedy')).toEqual([
      { a: 0, b: 0, cost: 0 },
      { a: 1, b: 1, cost: 10 },
    ]);
    expect(await match(cost, 2, 'optimal')).toEqual([
      { a: 0, b: 1, cost: 1 },
      { a: 1, b: 0, cost: 1 },
    ]);
    expect(await match(cost, 1, 'optimal')).toEqual([{ a: 0, b: 0, cost: 0 }]);
  });

  test('optimal match() is never dearer than greedy', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cost = matrix(12, 15, randomMatrix(12, 15, seed).data.map(Math.abs));
      for (const count of [1, 6, 12]) {
        expect(total(await match(cost, count, 'optimal'))).toBeLessThanOrEqual(
          total(await match(cost, count, 'greedy')) + 1e-12,
        );
      }
    }
  });

  test('random match() gives every choice about as often, the same for the same seed', async () => {
    const cost = matrix(3, 3, [0, 9, 9, 9, 0, 9, 9, 9, 0]);
    const random = new Random(7);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 600; draw += 1) {
      const key = (await match(cost, 3, 'random', random)).map(({ b }) => b).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
    expect(await match(cost, 2, 'random', new Random(3))).toEqual(
      await match(cost, 2, 'random', new Random(3)),
    );
  });

  test('match() refuses more pairs than channels and costs that are no numbers', async () => {
    await expect(match(matrix(2, 3), 3, 'optimal')).rejects.toThrow(
      'Cannot choose 3 pairs of 2 and 3 channels',
    );
    await expect(match(matrix(2, 3), -1, 'greedy')).rejects.toThrow(RangeError);
    await expect(match(matrix(1, 2, [0, NaN]), 1, 'greedy')).rejects.toThrow('the cost of 0 with 1 is NaN');
  });
});
