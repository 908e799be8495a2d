import { expect, it } from 'vitest';
import { lenet } from '../../examples/lenet.ts';
import { createSession } from '../../gpu-runner/engine/session.ts';
import { countMacs, countParameters } from '../../gpu-runner/mtz/count.ts';

it('lenet() has 867,098 parameters and as many multiply-adds as its layers', () => {
  const graph = lenet('digit', 10, 1);
  expect(countParameters(graph)).toBe(
    24 * 25 + 24 + (64 * 24 * 25 + 64) + (800 * 1024 + 800) + (10 * 800 + 10),
  );
  expect(countMacs(graph)).toBe(24 * 24 * 24 * 25 + 8 * 8 * 64 * 24 * 25 + 1024 * 800 + 800 * 10);
});

it('lenet() answers one row of logits an image', async () => {
  const session = await createSession(lenet('letters', 26, 1), { provider: 'cpu' });
  const image = {
    dtype: 'float32',
    dims: [3, 1, 28, 28],
    data: new Float32Array(3 * 784).fill(0.5),
  } as const;
  const { logits } = await session.run({ image });
  await session.release();
  expect(logits?.dims).toEqual([3, 26]);
});

it('lenet() starts from the same weights for the same seed only', () => {
  const weights = (seed: number) => lenet('digit', 10, seed).initializers.get('conv2.weight')?.data;
  expect(weights(1)).toEqual(weights(1));
  expect(weights(2)).not.toEqual(weights(1));
});
