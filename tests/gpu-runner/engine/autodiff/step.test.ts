import { expect, test } from 'vitest';
import { step } from '../../../../gpu-runner/engine/autodiff/step.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';

test.each(['float32', 'float64'] as const)('step() is 1 above 0 and 0 elsewhere, in %s', async (dtype) => {
  const emit = new Emitter('step');
  const output = step(emit, emit.input('x', dtype, [6]));
  emit.output(output);
  expect(emit.type(output)).toEqual({ dtype, dims: [6] });
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const values = [-1e30, -1e-30, 0, 1e-30, 0.5, 1e30];
  const results = await session.run({
    x:
      dtype === 'float32'
        ? { dtype, dims: [6], data: Float32Array.from(values) }
        : { dtype, dims: [6], data: Float64Array.from(values) },
  });
  await session.release();
  expect(Array.from(results[output]?.data ?? [], Number)).toEqual([0, 0, 0, 1, 1, 1]);
});
