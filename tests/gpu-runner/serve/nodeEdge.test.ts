import { expect, test } from 'vitest';
import { nodeRoom } from '../../../gpu-runner/serve/nodeEdge.ts';
import { TrunklineError } from '../../../shared/errors.ts';

const MiB = 2 ** 20;

test('nodeRoom() holds what fits its bytes together, and refuses what never will with the numbers', () => {
  const room = nodeRoom(10 * MiB);
  expect(room.fits([4 * MiB, 6 * MiB])).toBe(true);
  expect(room.fits([4 * MiB, 6 * MiB + 1])).toBe(false);
  expect(() => room.requireFit('the trunk', [4 * MiB, 6 * MiB])).not.toThrow();
  expect(() => room.requireFit('the trunk', [11 * MiB])).toThrow(
    new TrunklineError(
      'unavailable',
      'Cannot load the trunk: it has 11.0 MiB of graphs and weights, the limit is 10.0 MiB',
    ),
  );
});
