import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { float, int, ints, string } from '../../../gpu-runner/onnx/graph.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { joinChains } from '../../../gpu-runner/mtz/network.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { answerOf, convNet, denseNet, largestGap, NetBuilder, randomInput } from './nets.ts';

/** How far a graph's answers move when it is read as a chain and written again. */
async function roundTripGap(graph: Graph): Promise<number> {
  const chain = readChain(graph, 'digit');
  const again = taskGraph(joinChains([{ task: 'digit', chain }], 'one-way'), 'digit');
  const input = randomInput([3, ...chain.input.dims], 7);
  return largestGap(await answerOf(again, input), await answerOf(graph, input));
}

describe('readChain', () => {
  test('readChain() finds the layers, their names and what comes between', () => {
    const { before, layers, input } = readChain(convNet(1), 'digit');
    expect(input).toEqual({ name: 'image', dims: [2, 9, 9] });
    expect(before).toEqual([]);
    expect(layers.map(({ name, area, outputSize }) => ({ name, area, outputSize }))).toEqual([
      { name: 'conv1', area: 9, outputSize: [7, 7] },
      { name: 'conv2', area: 9, outputSize: [3, 3] },
      { name: 'fc1', area: 9, outputSize: [] },
      { name: 'fc2', area: 1, outputSize: [] },
    ]);
    expect(layers.map(({ after }) => after.map(({ op }) => op))).toEqual([
      ['Relu', 'MaxPool'],
      ['Relu', 'Flatten'],
      ['Relu'],
      [],
    ]);
    expect(layers.map(({ weight }) => [weight.rows, weight.cols])).toEqual([
      [4, 18],
      [5, 36],
      [7, 45],
      [3, 7],
    ]);
  });

  test.each([
    ['convolutions', () => convNet(1)],
    ['dense layers', () => denseNet(2)],
    [
      'a flattened image read by a dense layer',
      () =>
        new NetBuilder(3, [2, 3, 3]).op('Flatten').dense('fc1', 18, 5).op('Sigmoid').dense('fc2', 5, 2).end(),
    ],
    [
      'MatMul and Add, Gemm without transB, alpha and beta',
      () => {
        const net = new NetBuilder(4, [5]);
        net
          .op('MatMul', [net.constant('a', [5, 6])])
          .op('Add', [net.constant('b', [6])])
          .op('LeakyRelu', [], { alpha: float(0.2) });
        net.op('Gemm', [net.constant('c', [6, 4]), net.constant('d', [1, 4])], {
          alpha: float(0.5),
          beta: float(3),
        });
        return net
          .op('Tanh')
          .op('MatMul', [net.constant('e', [4, 3])])
          .end();
      },
    ],
    [
      'batch normalisation, Dropout, Identity, Clip and pools',
      () => {
        const net = new NetBuilder(5, [2, 8, 8]).conv('conv1', 2, 4, 3, {
          auto_pad: string('SAME_UPPER'),
          strides: ints([2, 2]),
        });
        net
          .op('Identity')
          .op('BatchNormalization', [
            ...[
              net.constant('scale', [4]),
              net.constant('shift', [4]),
              net.constant('mean', [4]),
              net.constant('var', [4], 0.1, 2),
            ],
          ]);
        net.graph.initializers.set('six', { dtype: 'float32', dims: [], data: Float32Array.of(1.5) });
        net
          .op('Clip', ['', 'six'])
          .op('Dropout')
          .op('AveragePool', [], { kernel_shape: ints([2, 2]) });
        net
          .conv('conv2', 4, 3, 2, { dilations: ints([2, 1]) })
          .op('Relu')
          .op('GlobalAveragePool')
          .op('Flatten');
        return net.dense('fc', 3, 2).end();
      },
    ],
    [
      'a bias added to a convolution and a Reshape that flattens',
      () => {
        const net = new NetBuilder(6, [1, 4, 4]);
        net.op('Conv', [net.constant('w', [3, 1, 3, 3])], { auto_pad: string('SAME_LOWER') });
        net.op('Add', [net.constant('b', [1, 3, 1, 1])]);
        net.graph.initializers.set('shape', { dtype: 'int64', dims: [2], data: BigInt64Array.of(0n, -1n) });
        return net.op('Reshape', ['shape']).dense('fc', 48, 2).end();
      },
    ],
    [
      'one spatial axis',
      () => {
        const net = new NetBuilder(7, [3, 20]);
        net.op('Conv', [net.constant('w', [4, 3, 5])], {
          strides: ints([2]),
          dilations: ints([2]),
          pads: ints([3, 1]),
        });
        return net.op('Relu').op('Flatten').dense('fc', 32, 2).end();
      },
    ],
  ])('readChain() keeps what a network computes: %s', async (_, build) => {
    expect(await roundTripGap(build())).toBeLessThan(2e-6);
  });

  test('readChain() names layers after their weights, their nodes, or their place', () => {
    const net = new NetBuilder(1, [4]);
    net
      .op('MatMul', [net.constant('w1', [4, 4])])
      .op('MatMul', [net.constant('w2', [4, 4])])
      .op('MatMul', [net.constant('last_weight', [4, 4])]);
    const graph = net.end();
    graph.nodes.forEach((node, index) => (node.name = ['/body/up/MatMul', '', ''][index] ?? ''));
    expect(readChain(graph, 'digit').layers.map(({ name }) => name)).toEqual(['body/up', 'layer2', 'last']);
  });

  const bare = (): NetBuilder => new NetBuilder(1, [2, 6, 6]).conv('conv1', 2, 4);
  test.each<[string, () => Graph, string]>([
    [
      'an unsupported operator',
      () => bare().op('Softmax').op('Flatten').dense('fc', 64, 2).end(),
      'Cannot zip "digit": Softmax "Softmax1": this operator is not supported in a chain',
    ],
    ['a grouped convolution', () => grouped(), 'grouped convolutions (group 2) are not supported'],
    [
      'a residual addition',
      () => residual(),
      'Add "Add2": it reads "v0" as Conv does, and branches are not supported',
    ],
    ['an addition of two equal values', () => doubled(), 'it adds two computed values'],
    [
      'batch normalisation after an activation',
      () => normalisedLate(),
      'BatchNormalization "BatchNormalization2": it can be folded only directly after a layer',
    ],
    [
      'logits followed by an operator',
      () => new NetBuilder(1, [4]).dense('fc', 4, 2).op('Sigmoid').end(),
      'Sigmoid follows its last layer "fc"; it must end in that layer\'s logits',
    ],
    [
      'no layer',
      () => new NetBuilder(1, [4]).op('Relu').end(),
      'Cannot zip "digit": it has no conv or dense layer',
    ],
    ['weights that are computed', () => computedWeight(), 'its weight is computed or missing'],
    ['a dense layer on images', () => denseOnImages(), 'only batches of vectors are supported'],
    [
      'a Reshape that does not flatten',
      () => reshaped(),
      'only flattening each sample is supported, not [4,4,4] to [8,8]',
    ],
    ['an image of unknown size', () => unknownSize(), 'dimension 2 of "image" is not known'],
    ['two outputs', () => twoOutputs(), 'it has 1 inputs and 2 outputs, not one of each'],
  ])('readChain() refuses %s', (_, build, message) => {
    expect(() => readChain(build(), 'digit')).toThrow(message);
  });

  function grouped(): Graph {
    const net = bare();
    return net.op('Conv', [net.constant('conv2', [4, 2, 1, 1])], { group: int(2) }).end();
  }
  function denseOnImages(): Graph {
    const net = bare();
    return net.op('MatMul', [net.constant('square', [4, 4])]).end();
  }
  function residual(): Graph {
    return bare().conv('conv2', 4, 4, 1).op('Add', ['v0']).end();
  }
  function doubled(): Graph {
    return bare().op('Add', ['v0']).end();
  }
  function normalisedLate(): Graph {
    const net = bare().op('Relu');
    return net
      .op(
        'BatchNormalization',
        ['s', 'b', 'm', 'v'].map((name) => net.constant(name, [4], 0, 1)),
      )
      .end();
  }
  function computedWeight(): Graph {
    const graph = denseNet(1);
    graph.initializers.delete('fc1.weight');
    graph.nodes.unshift({
      ...{ name: 'make', op: 'ConstantOfShape', domain: '', attributes: {} },
      ...{ inputs: ['shape'], outputs: ['fc1.weight'] },
    });
    graph.initializers.set('shape', { dtype: 'int64', dims: [2], data: BigInt64Array.of(8n, 6n) });
    return graph;
  }
  function reshaped(): Graph {
    const net = bare();
    net.graph.initializers.set('shape', { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 8n, 8n) });
    return net.op('Reshape', ['shape']).end();
  }
  function unknownSize(): Graph {
    const graph = convNet(1);
    graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 2, 'H', 9] }];
    return graph;
  }
  function twoOutputs(): Graph {
    const graph = convNet(1);
    graph.outputs.push({ name: 'v0', dtype: 'float32', dims: ['N', null] });
    return graph;
  }
});
