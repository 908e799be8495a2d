import { describe, expect, test } from 'vitest';
import { float, ints } from '../../../gpu-runner/onnx/graph.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { checkCompatible } from '../../../gpu-runner/mtz/compatible.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { convNet, denseNet, NetBuilder } from './nets.ts';

const compare = (a: Graph, b: Graph) => (): void =>
  checkCompatible([
    { task: 'digit', chain: readChain(a, 'digit') },
    { task: 'fashion', chain: readChain(b, 'fashion') },
  ]);

/** A small net with one thing about it to vary. */
function net({
  channels = 3,
  size = 8,
  kernel = 3,
  settings = {},
  alpha = 0.1,
  before = false,
  dense = true,
} = {}): Graph {
  const builder = new NetBuilder(1, [channels, size, size]);
  if (before) builder.op('Sigmoid');
  builder.conv('conv1', channels, 4, kernel, { pads: ints([1, 1, 1, 1]), ...settings });
  builder
    .op('LeakyRelu', [], { alpha: float(alpha) })
    .op('GlobalAveragePool')
    .op('Flatten');
  if (dense) builder.dense('fc', 4, 4);
  return builder.dense('last', 4, 2).end();
}

describe('checkCompatible', () => {
  test('checkCompatible() accepts other widths, weights, names and head sizes', () => {
    expect(compare(convNet(1), convNet(2, { conv1: 9, conv2: 2, fc1: 3, classes: 10 }))).not.toThrow();
  });

  test('checkCompatible() accepts settings that are written out in one net and left to their default in the other', () => {
    const plain = new NetBuilder(1, [1, 8, 8])
      .conv('c', 1, 2)
      .op('MaxPool', [], { kernel_shape: ints([2, 2]) });
    const explicit = new NetBuilder(1, [1, 8, 8]).conv('c', 1, 2, 3, {
      strides: ints([1, 1]),
      pads: ints([0, 0, 0, 0]),
    });
    explicit.op('MaxPool', [], {
      kernel_shape: ints([2, 2]),
      strides: ints([1, 1]),
      dilations: ints([1, 1]),
    });
    const end = (builder: NetBuilder): Graph => builder.op('Flatten').dense('fc', 50, 2).end();
    expect(compare(end(plain), end(explicit))).not.toThrow();
  });

  test.each([
    [
      'inputs',
      net({ channels: 1 }),
      'Cannot zip "digit" with "fashion": their inputs are [3,8,8] and [1,8,8]',
    ],
    [
      'numbers of layers',
      net({ dense: false }),
      'Cannot zip "digit" with "fashion": they have 3 and 2 layers',
    ],
    ['kernels', net({ kernel: 5 }), 'Cannot zip conv1: kernel of "digit": 3x3, of "fashion": 5x5'],
    [
      'strides',
      net({ settings: { strides: ints([2, 1]) } }),
      'Cannot zip conv1: strides of "digit": 1,1, of "fashion": 2,1',
    ],
    [
      'pads',
      net({ settings: { pads: ints([0, 0, 2, 2]) } }),
      'Cannot zip conv1: pads of "digit": 1,1,1,1, of "fashion": 0,0,2,2',
    ],
    [
      'dilations',
      net({ settings: { dilations: ints([2, 2]) } }),
      'Cannot zip conv1: dilations of "digit": 1,1, of "fashion": 2,2',
    ],
    ['activations', net({ alpha: 0.5 }), 'operators after it of "digit": LeakyRelu (alpha 0.1)'],
    [
      'preparations',
      net({ before: true }),
      'Cannot zip the input: operators of "digit": none, of "fashion": Sigmoid',
    ],
  ])('checkCompatible() names the first difference: %s', (_, other, message) => {
    expect(compare(net(), other)).toThrow(message);
  });

  test('checkCompatible() notices a net that flattens before its first layer', () => {
    const dense = new NetBuilder(1, [2, 3, 3]).op('Flatten').dense('a', 18, 4).dense('b', 4, 2).end();
    const conv = new NetBuilder(1, [2, 3, 3]).op('Flatten').dense('a', 18, 4).dense('b', 4, 2).end();
    conv.nodes.splice(0, 2);
    conv.initializers.set('a.weight', { dtype: 'float32', dims: [4, 2, 3, 3], data: new Float32Array(72) });
    const attributes = {};
    conv.nodes.unshift(
      { name: 'a', op: 'Conv', domain: '', inputs: ['image', 'a.weight'], outputs: ['c'], attributes },
      { name: 'f', op: 'Flatten', domain: '', inputs: ['c'], outputs: ['v1'], attributes },
    );
    expect(compare(conv, dense)).toThrow('the input: operators of "digit": none, of "fashion": Flatten');
    expect(compare(denseNet(1), denseNet(2))).not.toThrow();
  });
});
