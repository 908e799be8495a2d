import { expect, test } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { clipNorm } from '../../../../gpu-runner/engine/optimisers/clipNorm.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';

async function clipped(values: number[], limit: number): Promise<number[]> {
  const emit = new Emitter('clip');
  const output = clipNorm(emit, emit.input('grad', 'float32', [values.length]), limit);
  emit.output(output);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const results = await session.run({
    grad: { dtype: 'float32', dims: [values.length], data: Float32Array.from(values) },
  });
  await session.release();
  return Array.from(results[output]?.data ?? [], Number);
}

test('clipNorm() shortens a longer gradient to the limit and keeps its direction', async () => {
  expect((await clipped([30, -40], 5)).map((value) => Math.round(value * 1e5) / 1e5)).toEqual([3, -4]);
});

test('clipNorm() leaves a shorter gradient as it is, to the bit', async () => {
  expect(await clipped([0.5, -0.25, 0.125], 1)).toEqual([0.5, -0.25, 0.125]);
  expect(await clipped([0, 0], 1)).toEqual([0, 0]);
});

test('clipNorm() refuses a limit of 0', () => {
  const emit = new Emitter('clip');
  const grad = emit.input('grad', 'float32', [1]);
  expect(() => clipNorm(emit, grad, 0)).toThrow('Cannot clip gradients to length 0: it must be above 0');
});
