import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

/** The gradient of the first probability of one row by its logits, in float32. */
async function gradientAt(logits: readonly number[]): Promise<number[]> {
  const emit = new Emitter('softmax');
  const x = emit.input('x', 'float32', [1, logits.length]);
  const loss = emit.sum(emit.slice(emit.op('Softmax', [x]), 1, 0, 1), [0, 1], false);
  const dx = differentiate(emit, loss, ['x']).get('x') ?? '';
  emit.output(dx);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const results = await session.run({
    x: { dtype: 'float32', dims: [1, logits.length], data: Float32Array.from(logits) },
  });
  await session.release();
  return Array.from(results[dx]?.data ?? [], Number);
}

describe('softmax()', () => {
  it.each([
    { dims: [4, 5], axis: undefined },
    { dims: [4, 5], axis: 0 },
    { dims: [2, 3, 4], axis: 1 },
    { dims: [2, 3, 4], axis: -2 },
    { dims: [2, 3, 2, 4], axis: -1 },
    { dims: [7], axis: 0 },
    { dims: [3, 1], axis: 1 },
  ])('agrees with central differences over axis $axis of $dims', async ({ dims, axis }) => {
    const error = await gradientError({
      inputs: { x: dims },
      build: (emit, { x = '' }) => emit.op('Softmax', [x], axis === undefined ? {} : { axis: int(axis) }),
    });
    expect(error).toBeLessThan(1e-7);
  });

  it('sums to zero: probabilities cannot all grow', async () => {
    const gradient = await gradientAt([0.3, -1, 2, 0.7]);
    expect(Math.abs(gradient.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-7);
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(0.05);
  });

  it('stays finite where the logits are far apart', async () => {
    expect(await gradientAt([1e4, -1e4, 0])).toEqual(
      [0, 0, 0].map((zero) => expect.closeTo(zero, 12) as number),
    );
  });
});
