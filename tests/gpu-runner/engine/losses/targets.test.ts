import { expect, test } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { targetsOf } from '../../../../gpu-runner/engine/losses/targets.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';

async function targets(labels: number[], width: number): Promise<number[]> {
  const emit = new Emitter('targets');
  const given = emit.input('labels', 'int32', [labels.length]);
  const value = targetsOf(emit, given, emit.input('output', 'float32', [labels.length, width]));
  expect(emit.type(value)).toEqual({ dtype: 'float32', dims: [labels.length, width] });
  emit.output(value);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const output = {
    dtype: 'float32',
    dims: [labels.length, width],
    data: new Float32Array(labels.length * width),
  } as const;
  const results = await session.run({
    labels: { dtype: 'int32', dims: [labels.length], data: Int32Array.from(labels) },
    output,
  });
  await session.release();
  return Array.from(results[value]?.data ?? [], Number);
}

test('targetsOf() gives one-hot rows for outputs of several columns', async () => {
  expect(await targets([2, 0], 3)).toEqual([0, 0, 1, 1, 0, 0]);
});

test('targetsOf() gives the label itself for an output of one column', async () => {
  expect(await targets([1, 0, 7], 1)).toEqual([1, 0, 7]);
});
