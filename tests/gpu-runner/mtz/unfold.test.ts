import { describe, expect, test } from 'vitest';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Convolution } from '../../../gpu-runner/mtz/topology.ts';
import { unfold } from '../../../gpu-runner/mtz/unfold.ts';
import { matrix, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { elementCount } from '../../../shared/tensor.ts';
import { largestDifference, product } from '../linalg/samples.ts';
import { answerOf, randomInput, outputsOf } from './nets.ts';

const plain: Convolution = { kernel: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };
const batch = 3;

async function unfolded(
  dims: readonly number[],
  convolution: Convolution | null,
  outputSize: readonly number[],
) {
  const graph = new Graph();
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', ...dims] }];
  const columns = (dims[0] ?? 1) * elementCount(convolution?.kernel ?? []);
  const name = unfold(graph, 'x', convolution, outputSize, columns);
  graph.outputs = [{ name, dtype: 'float32', dims: [null, null] }];
  const x = randomInput([batch, ...dims], 1);
  const values = await answerOf(graph, x);
  return { x, patches: matrix(columns, values.length / columns, Float64Array.from(values)) };
}

describe('unfold', () => {
  test.each<[string, readonly number[], Convolution, readonly number[]]>([
    ['plain', [2, 5, 6], plain, [3, 4]],
    ['strides', [2, 7, 8], { ...plain, strides: [2, 3] }, [3, 2]],
    ['uneven pads', [1, 4, 4], { ...plain, pads: [1, 0, 2, 3] }, [5, 5]],
    ['dilations', [2, 8, 7], { ...plain, dilations: [3, 2] }, [2, 3]],
    ['an oblong kernel', [3, 4, 5], { ...plain, kernel: [1, 4] }, [4, 2]],
    ['a single position', [3, 4, 5], { ...plain, kernel: [1, 1] }, [4, 5]],
    [
      'all at once',
      [2, 9, 9],
      { kernel: [2, 3], strides: [3, 2], pads: [2, 1, 1, 2], dilations: [2, 3] },
      [4, 3],
    ],
    ['one spatial axis', [2, 9], { kernel: [3], strides: [2], pads: [1, 0], dilations: [2] }, [3]],
  ])('weights times unfold() is the convolution: %s', async (_, dims, convolution, outputSize) => {
    const { x, patches } = await unfolded(dims, convolution, outputSize);
    const w = randomInput([4, dims[0] ?? 1, ...convolution.kernel], 2);
    const graph = new Graph();
    graph.inputs = [
      { name: 'x', dtype: 'float32', dims: x.dims },
      { name: 'w', dtype: 'float32', dims: w.dims },
    ];
    const { kernel, strides, pads, dilations } = convolution;
    const attributes = Object.fromEntries(
      Object.entries({ kernel_shape: kernel, strides, pads, dilations }).map(([key, value]) => [
        key,
        { type: 'ints' as const, value },
      ]),
    );
    graph.addNode('Conv', ['x', 'w'], ['y'], attributes);
    graph.outputs = [{ name: 'y', dtype: 'float32', dims: [batch, 4, ...outputSize] }];
    const { y } = await outputsOf(graph, { x, w });
    expect(y?.dims).toEqual([batch, 4, ...outputSize]);
    if (y?.dtype !== 'float32') throw new Error('no output');
    // [batch, channel, position] against [channel, batch * position].
    const positions = elementCount(outputSize);
    const expected = matrix(4, batch * positions);
    y.data.forEach((value, index) => {
      const [sample, channel] = [Math.floor(index / (4 * positions)), Math.floor(index / positions) % 4];
      expected.data[channel * batch * positions + sample * positions + (index % positions)] = value;
    });
    const weights = matrix(4, patches.rows, Float64Array.from(w.data));
    expect(largestDifference(product(weights, patches), expected)).toBeLessThan(1e-5);
  });

  test('unfold() of a dense layer is the batch transposed', async () => {
    const { x, patches } = await unfolded([5], null, []);
    expect(patches).toEqual(transpose(matrix(batch, 5, Float64Array.from(x.data))));
  });
});
