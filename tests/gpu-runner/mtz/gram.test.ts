import { ints } from '../../../gpu-runner/onnx/graph.ts';
import { describe, expect, test } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { at, matrix, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { measureGram } from '../../../gpu-runner/mtz/gram.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import type { Layer } from '../../../gpu-runner/mtz/topology.ts';
import { largestDifference, product } from '../linalg/samples.ts';
import { convInput, convNet, denseInput, denseNet, NetBuilder, outputsOf, randomInput } from './nets.ts';
import { joined, pair, stepNamed } from './networks.ts';

const conv = joined([convNet(1), convNet(2)], 'crossed');

function layer(network: Network, name: string): Layer {
  const step = stepNamed(network, name);
  if (step.kind !== 'layer') throw new Error(`${name} is no layer`);
  return step;
}

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
    const net = joined([denseNet(1)], 'crossed');
    const x = randomInput([size, ...denseInput], 4);
    const dense = memoryDataset({
      sampleDims: denseInput,
      classes: 1,
      labels: new Int32Array(size),
      inputs: x.data,
    });
    const gram = await measureGram(net, layer(net, 'fc1'), 0, dense, { samples, provider: 'cpu' });
    expect(
      largestDifference(gram, meanSquare(transpose(matrix(size, 6, Float64Array.from(x.data))))),
    ).toBeLessThan(1e-12);
  });

  test('measureGram() of a convolution averages over patches and samples', async () => {
    const gram = await measureGram(conv, layer(conv, 'conv1'), 0, data, { samples, provider: 'cpu' });
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
    const gram = await measureGram(conv, layer(conv, 'fc1'), 1, data, { samples, provider: 'cpu' });
    expect(largestDifference(gram, expected)).toBeLessThan(1e-5);
    expect(at(gram, 45, 45)).toBe(1);
  });

  test('measureGram() does not depend on how the channels that it reads are shared and ordered', async () => {
    // Only the order changes as long as the weights are not merged.
    const { formings } = await pair(conv, 'conv2', 3);
    const formed = formings.reduce(formBlocks, conv);
    const options = { samples, provider: 'cpu' } as const;
    const before = await measureGram(conv, layer(conv, 'fc1'), 1, data, options);
    const after = await measureGram(formed, layer(formed, 'fc1'), 1, data, options);
    expect(largestDifference(after, before)).toBeLessThan(1e-6);
  });

  test('measureGram() is the same in one chunk as in many', async () => {
    // 256 samples are a chunk at most: 600 make three.
    const net = joined([denseNet(1)], 'crossed');
    const x = randomInput([600, ...denseInput], 5);
    const dense = memoryDataset({
      sampleDims: denseInput,
      classes: 1,
      labels: new Int32Array(600),
      inputs: x.data,
    });
    const all = Uint32Array.from({ length: 600 }, (_, index) => index);
    const gram = await measureGram(net, layer(net, 'fc1'), 0, dense, { samples: all, provider: 'cpu' });
    expect(
      largestDifference(gram, meanSquare(transpose(matrix(600, 6, Float64Array.from(x.data))))),
    ).toBeLessThan(1e-12);
  });

  test('measureGram() is the same where a sample is unfolded in bands', async () => {
    const options = { samples, provider: 'cpu' } as const;
    for (const name of ['conv1', 'conv2', 'fc1']) {
      const whole = await measureGram(conv, layer(conv, name), 1, data, options);
      // Three output rows of conv1 at once, the last band smaller; one row where not even one fits.
      for (const unfoldedBytes of [8 * 18 * 5 * 3, 1]) {
        const banded = await measureGram(conv, layer(conv, name), 1, data, { ...options, unfoldedBytes });
        expect(largestDifference(banded, whole)).toBeLessThan(1e-12);
      }
    }
  });

  test('measureGram() in bands keeps to strides, dilations and pads', async () => {
    const window = { strides: ints([2, 1]), dilations: ints([1, 2]), pads: ints([2, 0, 1, 3]) };
    const graph = new NetBuilder(1, convInput)
      .conv('conv1', 2, 3, 3, window)
      .op('Relu')
      .op('GlobalAveragePool');
    const net = joined([graph.op('Flatten').dense('fc', 3, 2).end()], 'crossed');
    const options = { samples, provider: 'cpu' } as const;
    const whole = await measureGram(net, layer(net, 'conv1'), 0, data, options);
    const banded = await measureGram(net, layer(net, 'conv1'), 0, data, { ...options, unfoldedBytes: 4000 });
    expect(largestDifference(banded, whole)).toBeLessThan(1e-12);
  });

  test('measureGram() of many inputs, whose products are computed block by block, is the mean square of the inputs', async () => {
    const wide = new NetBuilder(1, [530], 'vector').dense('fc1', 530, 2).op('Relu').dense('fc2', 2, 2).end();
    const net = joined([wide], 'crossed');
    const x = randomInput([4, 530], 6);
    const own = memoryDataset({ sampleDims: [530], classes: 1, labels: new Int32Array(4), inputs: x.data });
    const four = Uint32Array.of(0, 1, 2, 3);
    const gram = await measureGram(net, layer(net, 'fc1'), 0, own, { samples: four, provider: 'cpu' });
    const square = meanSquare(transpose(matrix(4, 530, Float64Array.from(x.data))));
    expect(largestDifference(gram, square)).toBeLessThan(1e-12);
  });

  test('measureGram() refuses no samples, and more inputs than a Gram matrix can hold', async () => {
    await expect(
      measureGram(conv, layer(conv, 'conv1'), 0, data, { samples: new Uint32Array(), provider: 'cpu' }),
    ).rejects.toThrow('Cannot measure conv1: there are no samples');
    const huge = new NetBuilder(1, [20_000]).dense('fc1', 20_000, 1).dense('fc2', 1, 1).end();
    const net = joined([huge], 'crossed');
    await expect(measureGram(net, layer(net, 'fc1'), 0, data, { samples, provider: 'cpu' })).rejects.toThrow(
      'Cannot measure fc1: the Gram matrix of its 20000 inputs would take 3.0 GiB',
    );
  });

  test('measureGram() stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      measureGram(conv, layer(conv, 'conv1'), 0, data, { samples, provider: 'cpu', signal }),
    ).rejects.toThrow('enough');
  });
});
