import { describe, expect, it } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { distillation } from '../../../../gpu-runner/engine/losses/distillation.ts';
import { losses, type LossName } from '../../../../gpu-runner/engine/losses/losses.ts';
import {
  measureAccuracy,
  measureDistillation,
  measureLoss,
} from '../../../../gpu-runner/engine/losses/measure.ts';
import { targetsOf } from '../../../../gpu-runner/engine/losses/targets.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';

const samples = 7;
const normals = (seed: number, width: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: samples * width }, () => 3 * random.normal());
};
const rows = (width: number, values: ArrayLike<number>): { width: number; values: ArrayLike<number> } => ({
  width,
  values,
});

/** What a graph with float32 inputs "x" and "y" gives. */
async function computed(
  width: number,
  emitted: (emit: Emitter, x: string) => string,
  feeds: Record<string, Float32Array | Int32Array>,
): Promise<number> {
  const emit = new Emitter('loss');
  emit.output(emitted(emit, emit.input('x', 'float32', [samples, width])));
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const results = await session.run(
    Object.fromEntries(
      Object.entries(feeds).map(([name, data]) => [
        name,
        data instanceof Int32Array
          ? { dtype: 'int32', dims: [samples], data }
          : { dtype: 'float32', dims: [samples, width], data },
      ]),
    ),
  );
  await session.release();
  return Number(Object.values(results)[0]?.data[0]);
}

describe('measureLoss()', () => {
  it.each([
    ['softmax-cross-entropy', 4],
    ['binary-cross-entropy', 4],
    ['binary-cross-entropy', 1],
    ['mean-squared-error', 4],
    ['mean-squared-error', 1],
  ] as const)('is the %s that is trained, on %i columns', async (loss: LossName, width) => {
    const values = normals(1, width);
    const labels = Int32Array.from({ length: samples }, (_, index) => index % Math.max(width, 2));
    const trained = await computed(
      width,
      (emit, x) => losses[loss](emit, x, targetsOf(emit, emit.input('labels', 'int32', [samples]), x)).value,
      { x: values, labels },
    );
    expect(measureLoss(loss, rows(width, values), labels)).toBeCloseTo(trained, 5);
  });

  it('stays finite on logits that overflow an exponential', () => {
    expect(measureLoss('softmax-cross-entropy', rows(2, [1000, 0]), [1])).toBe(1000);
    expect(measureLoss('binary-cross-entropy', rows(1, [-1000]), [1])).toBe(1000);
  });
});

describe('measureDistillation()', () => {
  it('is the divergence that is trained', async () => {
    const [x, y] = [normals(2, 5), normals(3, 5)];
    const trained = await computed(
      5,
      (emit, student) => distillation(emit, student, emit.input('y', 'float32', [samples, 5]), 3).value,
      { x, y },
    );
    expect(measureDistillation(rows(5, x), rows(5, y), 3)).toBeCloseTo(trained, 5);
    expect(measureDistillation(rows(5, x), rows(5, x), 3)).toBe(0);
  });
});

describe('measureAccuracy()', () => {
  it('counts the largest logit, the first of equals, and the sign of a single one', () => {
    expect(measureAccuracy(rows(3, [1, 3, 2, 5, 5, 0, 0, 1, 9]), [1, 0, 1])).toBeCloseTo(2 / 3, 12);
    expect(measureAccuracy(rows(1, [2, -1, 0]), [1, 1, 0])).toBeCloseTo(2 / 3, 12);
  });
});
