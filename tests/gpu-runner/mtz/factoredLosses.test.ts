import { expect, test } from 'vitest';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { factoredLosses } from '../../../gpu-runner/mtz/factoredLosses.ts';
import { randomMatrix } from '../linalg/samples.ts';
import { everyEntry, randomFactored, relativeDifference } from './factored.ts';

/** So many channels of so many inputs each, after so many inputs that nobody asks for. */
const columnsOf = (channels: number, wide: number, start: number): number[][] =>
  Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: wide }, (__, k) => start + channel * wide + k),
  );

/** By definition: what the others make up for is solved with every entry of the Gram matrix. */
async function byDefinition(
  gram: ReturnType<typeof randomFactored>,
  weight: ReturnType<typeof randomMatrix>,
  columns: readonly (readonly number[])[],
  stays: number,
): Promise<number> {
  const gone = new Set(columns.slice(stays).flat());
  const kept = Array.from({ length: gram.rows }, (_, input) => input).filter((input) => !gone.has(input));
  const { losses } = await absorbDropped(weight, everyEntry(gram), kept);
  return losses.reduce((sum, loss) => sum + loss, 0);
}

test.each([
  ['of one task', [9]],
  ['of two tasks', [5, 6]],
])('factoredLosses() is exact for up to 8 channels (%s)', async (_, samples) => {
  const gram = randomFactored(3 + 7 * 2 + 1, samples, 1, 1e-2);
  const weight = randomMatrix(4, gram.rows, 2);
  // In any order.
  const columns = columnsOf(7, 2, 3).toReversed();
  const losses = await factoredLosses(gram, weight, columns);
  expect(losses.length).toBe(8);
  const expected: number[] = [];
  for (let stays = 0; stays <= 7; stays += 1) expected.push(await byDefinition(gram, weight, columns, stays));
  expect(relativeDifference(losses, expected)).toBeLessThan(1e-9);
  expect(losses[7]).toBe(0);
});

test('of many channels it is exact at some numbers of them, and a line between', async () => {
  const gram = randomFactored(41, [20], 3, 1e-2);
  const weight = randomMatrix(3, 41, 4);
  const columns = columnsOf(40, 1, 0);
  const losses = await factoredLosses(gram, weight, columns);
  expect(losses.length).toBe(41);
  const points = [0, 1, 3, 6, 10, 16, 23, 31, 40];
  for (const [at, stays] of points.entries()) {
    const exact = await byDefinition(gram, weight, columns, stays);
    expect(losses[stays]).toBeCloseTo(exact, 8);
    const before = points[at - 1] ?? 0;
    for (let between = before + 1; between < stays; between += 1) {
      const part = (between - before) / (stays - before);
      const line = (losses[before] ?? NaN) * (1 - part) + exact * part;
      expect(losses[between]).toBeCloseTo(line, 8);
    }
  }
  // 20 samples know what 20 channels say from any 20 others: each counting by itself, half of them would lose half.
  expect(losses[23]).toBeLessThan(0.05 * (losses[0] ?? NaN));
});

test('factoredLosses() has nothing to lose of no channels, and refuses what is not damped', async () => {
  const gram = randomFactored(5, [3], 5);
  const weight = randomMatrix(2, 5, 6);
  expect(await factoredLosses(gram, weight, [])).toEqual([0]);
  await expect(factoredLosses({ ...gram, damping: 0 }, weight, columnsOf(2, 2, 0))).rejects.toThrow(
    'Cannot solve with fewer samples than inputs undamped: the damping is 0',
  );
});
