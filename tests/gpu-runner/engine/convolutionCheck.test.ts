import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkConvolutions } from '../../../gpu-runner/engine/convolutionCheck.ts';
import type * as OrtSession from '../../../gpu-runner/engine/ortSession.ts';
import { Graph, ints, type Dim } from '../../../gpu-runner/onnx/graph.ts';

/** Added to one element of the results of the pretended GPU: a CPU session under another name. */
const gpu = vi.hoisted(() => ({ element: 0, error: 0, sessions: 0 }));
vi.mock(import('../../../gpu-runner/engine/ortSession.ts'), async (original) => {
  const actual: typeof OrtSession = await original();
  const openSession: typeof actual.openSession = async (model, options) => {
    const session = await actual.openSession(model, { ...options, provider: 'cpu' });
    if (options.provider === 'cpu') return session;
    gpu.sessions += 1;
    return {
      ...session,
      run: async (feeds) => {
        const results = await session.run(feeds);
        const last = Object.values(results).at(-1);
        if (last?.dtype === 'float32') last.data[gpu.element] = (last.data[gpu.element] ?? NaN) + gpu.error;
        return results;
      },
    };
  };
  return { ...actual, openSession };
});
beforeEach(() => Object.assign(gpu, { element: 0, error: 0, sessions: 0 }));

/** Convolutions by their kernels' dims, each of the input as it is. */
function convolutions(input: readonly Dim[], kernels: readonly (readonly number[])[]): Graph {
  const graph = new Graph('convolutions');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: input });
  for (const [index, dims] of kernels.entries()) {
    const length = dims.reduce((product, dim) => product * dim, 1);
    graph.initializers.set(`w${index}`, { dtype: 'float32', dims, data: new Float32Array(length) });
    graph.outputs.push({ name: `y${index}`, dtype: 'float32', dims: ['N', dims[0] ?? null, null, null] });
    graph.addNode('Conv', ['x', `w${index}`], [`y${index}`], { pads: ints([1, 0, 1, 0]) });
  }
  return graph;
}

describe('checkConvolutions()', () => {
  it('passes a provider that computes as the CPU does, whatever the batch', async () => {
    const graph = convolutions(
      ['N', 3, 9, 8],
      [
        [4, 3, 3, 3],
        [4, 3, 3, 3],
        [2, 3, 1, 5],
      ],
    );
    await expect(checkConvolutions(graph, 'webgpu')).resolves.toBeUndefined();
    expect(gpu.sessions).toBe(1);
  });

  it.each([0.5, NaN, Infinity])(
    'refuses a provider whose result is %d off, by the name of the node',
    async (error) => {
      Object.assign(gpu, { element: 7, error });
      const graph = convolutions(
        [2, 3, 9, 8],
        [
          [4, 3, 3, 3],
          [2, 3, 1, 5],
        ],
      );
      await expect(checkConvolutions(graph, 'webgpu')).rejects.toThrow(
        /Cannot use webgpu: it computes Conv "Conv_1" \(\[2,3,9,8\] by \[2,3,1,5\]\) wrongly, \S+ of the largest output/,
      );
    },
  );

  it('has nothing to do in a graph without convolutions', async () => {
    const graph = new Graph('none');
    // Not one that shapes could be inferred for: it is not looked at.
    graph.addNode('Unheard', ['x'], ['y']);
    await expect(checkConvolutions(graph, 'webgpu')).resolves.toBeUndefined();
    expect(gpu.sessions).toBe(0);
  });

  it('tries equal convolutions once', async () => {
    Object.assign(gpu, { element: 7, error: 0.5 });
    const graph = convolutions(
      [2, 3, 9, 8],
      [
        [4, 3, 3, 3],
        [4, 3, 3, 3],
      ],
    );
    await expect(checkConvolutions(graph, 'webgpu')).rejects.toThrow('Conv "Conv" ([2,3,9,8] by [4,3,3,3])');
  });

  it('refuses a size it cannot try', async () => {
    const graph = convolutions(['N', 3, 'height', 8], [[4, 3, 3, 3]]);
    await expect(checkConvolutions(graph, 'webgpu')).rejects.toThrow(
      'Cannot check Conv "Conv" on a GPU: [2,3,height,8]',
    );
  });
});
