import { expect, it } from 'vitest';
import { blockSize, isRight } from '../../../../gpu-runner/engine/blocked/blockSize.ts';

it.skipIf(process.arch !== 'x64')('blockSize() is the one size whose convolutions are right', async () => {
  const right: number[] = [];
  for (const size of [8, 16]) if (await isRight(size)) right.push(size);
  expect(right).toHaveLength(1);
  expect(await blockSize()).toBe(right[0]);
});
