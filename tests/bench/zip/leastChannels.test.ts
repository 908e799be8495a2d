import { describe, expect, test } from 'vitest';
import { leastChannels, type ChannelReader } from '../../../bench/zip/leastChannels.ts';
import { matrix, plus } from '../../../gpu-runner/linalg/matrix.ts';
import { multiply } from '../../../gpu-runner/linalg/multiply.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { randomMatrix } from '../../gpu-runner/linalg/samples.ts';

const channels = 5;

/** A layer that reads so many columns of each channel, the first channels' first, and a constant. */
async function reader(wide: number, outputs: number, seed: number): Promise<ChannelReader> {
  const n = channels * wide + 1;
  const mixed = await multiply(randomMatrix(30, n, seed), randomMatrix(n, n, seed + 1));
  const damping = matrix(n, n);
  for (let q = 0; q < n; q += 1) damping.data[q * n + q] = 0.5;
  return {
    weights: randomMatrix(outputs, n, seed + 2),
    gram: plus(await multiply(mixed, mixed, { transposeA: true }), damping),
    columns: Array.from({ length: channels }, (_, channel) =>
      Array.from({ length: wide }, (__, k) => channel * wide + k),
    ),
  };
}

/** What layers lose without some channels when each makes up for them by least squares. */
async function lossWithout(readers: readonly ChannelReader[], gone: readonly number[]): Promise<number> {
  let sum = 0;
  for (const { weights, gram, columns } of readers) {
    const dropped = new Set(gone.flatMap((channel) => columns[channel] ?? []));
    const kept = Array.from({ length: gram.rows }, (_, q) => q).filter((q) => !dropped.has(q));
    const { losses } = await absorbDropped(weights, gram, kept);
    sum += losses.reduce((total, loss) => total + loss, 0);
  }
  return sum;
}

async function leastByTrying(readers: readonly ChannelReader[], count: number): Promise<number[]> {
  const gone: number[] = [];
  while (gone.length < count) {
    const left = Array.from({ length: channels }, (_, channel) => channel).filter((c) => !gone.includes(c));
    const losses = await Promise.all(left.map((channel) => lossWithout(readers, [...gone, channel])));
    gone.push(left[losses.indexOf(Math.min(...losses))] ?? -1);
  }
  return gone;
}

describe('leastChannels()', () => {
  test('takes the channel that is missed least when the others make up for it, then the next', async () => {
    const readers = [await reader(2, 3, 1)];
    await expect(leastChannels(readers, channels, 3)).resolves.toEqual(await leastByTrying(readers, 3));
  });

  test('adds up what all layers lose that read the channels, each on its own inputs', async () => {
    const readers = [await reader(2, 3, 1), await reader(1, 4, 5), await reader(4, 2, 9)];
    const together = await leastChannels(readers, channels, 4);
    expect(together).toEqual(await leastByTrying(readers, 4));
    for (const alone of readers) expect(await leastChannels([alone], channels, 4)).not.toEqual(together);
  });

  test('spares a channel that only the second layer needs', async () => {
    const ones = (n: number) =>
      matrix(
        n,
        n,
        Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0)),
      );
    const columns = [[0], [1], [2]];
    const first = { gram: ones(4), columns, weights: matrix(1, 4, [1, 2, 3, 0]) };
    const second = { gram: ones(4), columns, weights: matrix(1, 4, [9, 0, 0, 0]) };
    await expect(leastChannels([first], 3, 1)).resolves.toEqual([0]);
    await expect(leastChannels([first, second], 3, 2)).resolves.toEqual([1, 2]);
  });

  test('finds columns wherever they lie', async () => {
    const given = await reader(2, 3, 1);
    // The second columns of all channels behind the first ones of all.
    const order = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 10];
    const moved = {
      weights: matrix(
        3,
        11,
        Array.from(
          { length: 33 },
          (_, k) => given.weights.data[11 * Math.floor(k / 11) + (order[k % 11] ?? 0)] ?? 0,
        ),
      ),
      gram: matrix(
        11,
        11,
        Array.from(
          { length: 121 },
          (_, k) => given.gram.data[11 * (order[Math.floor(k / 11)] ?? 0) + (order[k % 11] ?? 0)] ?? 0,
        ),
      ),
      columns: given.columns.map(([one = 0, other = 0]) => [order.indexOf(one), order.indexOf(other)]),
    };
    await expect(leastChannels([moved], channels, 4)).resolves.toEqual(
      await leastChannels([given], channels, 4),
    );
  });

  test('refuses to take more channels than there are', async () => {
    await expect(leastChannels([await reader(1, 2, 1)], channels, 6)).rejects.toThrow(
      'Cannot take 6 channels: 5 are given',
    );
  });
});
