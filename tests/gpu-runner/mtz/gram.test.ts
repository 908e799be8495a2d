import { describe, expect, test } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { at, matrix, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { measureGram } from '../../../gpu-runner/mtz/gram.ts';
import { joinChains } from '../../../gpu-runner/mtz/network.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { largestDifference, product } from '../linalg/samples.ts';
import { convInput, convNet, denseInput, denseNet, NetBuilder, outputsOf, randomInput } from './nets.ts';

const conv = joinChains(
  [1, 2].map((seed) => ({ task: `task${seed}`, chain: readChain(convNet(seed), 'task') })),
  'crossed',
);
const size = 30;
const inputs = randomInput([size, ...convInput], 3);
const data = memoryDataset({
  sampleDims: convInput,
  classes: 1,
  labels: new Int32Array(size),
  inputs: inputs.data,
});
const samples = Uint32Array.from({ length: size }, (_, index) => index);

/** Mean of [x; 1][x; 1]' over the columns of x. */
function meanSquare(x: ReturnType<typeof matrix>): ReturnType<typeof matrix> {
  const bordered = matrix(
    x.rows + 1,
    x.cols,
    Float64Array.from([...x.data, ...Array<number>(x.cols).fill(1)]),
  );
  const square = product(bordered, transpose(bordered));
  return matrix(
    square.rows,
    square.cols,
    square.data.map((value) => value / x.cols),
  );
}

describe('measureGram', () => {
  test('measureGram() of a first dense layer is the mean square of the inputs', async () => {
    const net = joinChains([{ task: 'digit', chain: readChain(denseNet(1), 'digit') }], 'crossed');
    const x = randomInput([size, ...denseInput], 4);
    const dense = memoryDataset({
      sampleDims: denseInput,
      classes: 1,
      labels: new Int32Array(size),
      inputs: x.data,
    });
    const { gram, inputs: blocks } = await measureGram(net, 0, 0, dense, { samples, provider: 'cpu' });
    expect(blocks).toEqual([{ tasks: 1, columns: 6 }]);
    expect(
      largestDifference(gram, meanSquare(transpose(matrix(size, 6, Float64Array.from(x.data))))),
    ).toBeLessThan(1e-12);
  });

  test('measureGram() of a convolution averages over patches and samples', async () => {
    const { gram } = await measureGram(conv, 0, 0, data, { samples, provider: 'cpu' });
    // All 3x3 patches of 2 channels of 9x9, by hand.
    const patches = matrix(18, size * 49);
    for (let s = 0; s < size; s += 1) {
      for (let k = 0; k < 18; k += 1) {
        const [c, dy, dx] = [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3];
        for (let p = 0; p < 49; p += 1) {
          const [y, x] = [Math.floor(p / 7) + dy, (p % 7) + dx];
          patches.data[k * patches.cols + s * 49 + p] = inputs.data[((s * 2 + c) * 9 + y) * 9 + x] ?? NaN;
        }
      }
    }
    expect(largestDifference(gram, meanSquare(patches))).toBeLessThan(1e-12);
  });

  test('measureGram() of a deeper layer sees what the task feeds it, after activation, pooling and flattening', async () => {
    const graph = convNet(2);
    const flat = graph.nodes.find(({ op }) => op === 'Flatten')?.outputs[0] ?? '';
    graph.outputs = [{ name: flat, dtype: 'float32', dims: ['N', 45] }];
    const [features] = Object.values(await outputsOf(graph, { image: inputs }));
    if (features?.dtype !== 'float32') throw new Error('no features');
    const expected = meanSquare(transpose(matrix(size, 45, Float64Array.from(features.data))));
    const { gram, inputs: blocks } = await measureGram(conv, 2, 1, data, { samples, provider: 'cpu' });
    expect(blocks).toEqual([{ tasks: 0b10, columns: 45 }]);
    expect(largestDifference(gram, expected)).toBeLessThan(1e-5);
    expect(at(gram, 45, 45)).toBe(1);
  });

  test('measureGram() is the same in one chunk as in many', async () => {
    // 256 samples are a chunk at most: 600 make three.
    const net = joinChains([{ task: 'digit', chain: readChain(denseNet(1), 'digit') }], 'crossed');
    const x = randomInput([600, ...denseInput], 5);
    const dense = memoryDataset({
      sampleDims: denseInput,
      classes: 1,
      labels: new Int32Array(600),
      inputs: x.data,
    });
    const all = Uint32Array.from({ length: 600 }, (_, index) => index);
    const { gram } = await measureGram(net, 0, 0, dense, { samples: all, provider: 'cpu' });
    expect(
      largestDifference(gram, meanSquare(transpose(matrix(600, 6, Float64Array.from(x.data))))),
    ).toBeLessThan(1e-12);
  });

  test('measureGram() refuses no samples, and more inputs than a Gram matrix can hold', async () => {
    await expect(
      measureGram(conv, 0, 0, data, { samples: new Uint32Array(), provider: 'cpu' }),
    ).rejects.toThrow('Cannot measure conv1: there are no samples');
    const huge = new NetBuilder(1, [20_000]).dense('fc1', 20_000, 1).dense('fc2', 1, 1).end();
    const net = joinChains([{ task: 'digit', chain: readChain(huge, 'digit') }], 'crossed');
    await expect(measureGram(net, 0, 0, data, { samples, provider: 'cpu' })).rejects.toThrow(
      'Cannot measure fc1: the Gram matrix of its 20000 inputs would take 3.0 GiB',
    );
  });

  test('measureGram() stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(measureGram(conv, 0, 0, data, { samples, provider: 'cpu', signal })).rejects.toThrow(
      'enough',
    );
  });
});
