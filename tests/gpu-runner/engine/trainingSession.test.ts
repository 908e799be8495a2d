import { beforeEach, describe, expect, it, vi } from 'vitest';
import type * as sizes from '../../../gpu-runner/engine/blocked/blockSize.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { createTrainingSession } from '../../../gpu-runner/engine/trainingSession.ts';
import { Graph, ints } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';

/** Replaces what this machine has by what a test says it has. */
const machine = vi.hoisted(() => ({ asked: 0, hasBlocks: true }));
vi.mock('../../../gpu-runner/engine/blocked/blockSize.ts', async (original) => {
  const { blockSize, ...rest } = await original<typeof sizes>();
  return {
    ...rest,
    blockSize: () => {
      machine.asked += 1;
      return machine.hasBlocks ? blockSize() : Promise.resolve(undefined);
    },
  };
});
beforeEach(() => Object.assign(machine, { asked: 0, hasBlocks: true }));

const graph = new Graph('conv');
graph.inputs.push(
  { name: 'x', dtype: 'float32', dims: [2, 16, 6, 6] },
  { name: 'w', dtype: 'float32', dims: [16, 16, 3, 3] },
);
graph.addNode('Conv', ['x', 'w'], ['y'], { pads: ints([1, 1, 1, 1]) });
graph.outputs.push({ name: 'y', dtype: 'float32', dims: [2, 16, 6, 6] });
const wave = (dims: number[]): Tensor => ({
  ...{ dtype: 'float32', dims },
  data: Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, index) =>
    Math.sin(index),
  ),
});
async function answer(create: typeof createTrainingSession): Promise<number[]> {
  const session = await create(graph, { provider: 'cpu', threads: 1 });
  const { y } = await session.run({ x: wave([2, 16, 6, 6]), w: wave([16, 16, 3, 3]) });
  await session.release();
  return Array.from(y?.data ?? [], Number);
}

describe('createTrainingSession()', () => {
  it('computes what a plain session does', async () => {
    const [plain, fast] = [await answer(createSession), await answer(createTrainingSession)];
    expect(fast).toHaveLength(plain.length);
    fast.forEach((value, index) => expect(value).toBeCloseTo(plain[index] ?? NaN, 4));
  });

  it('is a plain session on a machine without blocks', async () => {
    machine.hasBlocks = false;
    expect(await answer(createTrainingSession)).toEqual(await answer(createSession));
    expect(machine.asked).toBe(1);
  });

  it('does not try the machine for a graph without convolutions', async () => {
    const dense = new Graph('relu');
    dense.inputs.push({ name: 'x', dtype: 'float32', dims: [2] });
    dense.addNode('Relu', ['x'], ['y']);
    dense.outputs.push({ name: 'y', dtype: 'float32', dims: [2] });
    await (await createTrainingSession(dense, { provider: 'cpu' })).release();
    expect(machine.asked).toBe(0);
  });
});
