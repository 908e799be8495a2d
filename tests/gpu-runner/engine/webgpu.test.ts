/**
 * The WebGPU path, where a device is present, or a software one (VK_ICD_FILENAMES). Looked for in a process of its own:
 * a look without a device may take the process down.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Provider } from '../../../gpu-runner/engine/providers.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { train } from '../../../gpu-runner/engine/train.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { convNet, patterns } from './tinyNets.ts';

const look = `
  import { createSession } from './gpu-runner/engine/session.ts';
  import { Graph } from './gpu-runner/onnx/graph.ts';
  const graph = new Graph('look');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: [1] });
  graph.outputs.push({ name: 'y', dtype: 'float32', dims: [1] });
  graph.addNode('Relu', ['x'], ['y']);
  await createSession(graph, { provider: 'webgpu' });
  console.log('found');
`;
const looked = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', look], {
  encoding: 'utf8',
});
const found = looked.stdout.includes('found');

const filled = (dims: number[], value: (index: number) => number): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, index) =>
    value(index),
  ),
});

describe.skipIf(!found)('on WebGPU (skipped: no device here)', () => {
  it.each([
    [6, 16, 5],
    [18, 16, 3],
    [8, 16, 3],
    [3, 5, 3],
  ])('a convolution from %i to %i channels, %i wide, is right or refused', async (from, to, kernel) => {
    const graph = new Graph('convolution');
    const size = 13 - kernel;
    graph.inputs.push({ name: 'x', dtype: 'float32', dims: [2, from, 12, 12] });
    graph.outputs.push({ name: 'y', dtype: 'float32', dims: [2, to, size, size] });
    graph.initializers.set(
      'w',
      filled([to, from, kernel, kernel], (index) => Math.sin(index)),
    );
    graph.addNode('Conv', ['x', 'w'], ['y']);
    const feeds = { x: filled([2, from, 12, 12], (index) => Math.cos(index * index)) };
    const outputOn = async (provider: Provider): Promise<number[] | Error> => {
      try {
        const session = await createSession(graph, { provider });
        const { y } = await session.run(feeds);
        await session.release();
        return Array.from(y?.data ?? [], Number);
      } catch (error) {
        return error as Error;
      }
    };
    const [expected, computed] = [await outputOn('cpu'), await outputOn('webgpu')];
    if (computed instanceof Error) expect(computed.message).toContain('Cannot use webgpu: it computes Conv');
    else expect(largestDifference(computed, expected as number[])).toBeLessThan(1e-3);
  });

  it('five training steps end where they do on the CPU', async () => {
    const trained = async (provider: Provider): Promise<number[]> => {
      const { graph } = await train({
        graph: convNet(),
        objectives: [{ input: 'image', output: 'logits', data: patterns(), loss: 'softmax-cross-entropy' }],
        steps: 5,
        batchSize: 16,
        optimiser: { kind: 'sgd', weightDecay: 1e-3 },
        schedule: { learningRate: 0.01 },
        clipNorm: 10,
        seed: 1,
        provider,
      });
      return [...graph.initializers.values()].flatMap(({ data }) => Array.from(data, Number));
    };
    expect(largestDifference(await trained('webgpu'), await trained('cpu'))).toBeLessThan(1e-5);
  });
});

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...b.map((value, index) => Math.abs(value - (a[index] ?? NaN))));
