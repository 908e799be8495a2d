import { describe, expect, test } from 'vitest';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import { int, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import { denseNet } from './nets.ts';
import { NetBuilder } from './nets/builder.ts';
import { resnet } from './nets/resnet.ts';

const read = (graph: Graph): unknown => readNet(graph, 'digit', { batchNorm: 'fold' });

/** The graph with some values of a tensor changed. */
function spoiled(graph: Graph, name: string, value: number, count: number): Graph {
  const tensor = graph.initializers.get(name);
  if (tensor?.dtype !== 'float32') throw new Error(`no weights ${name}`);
  graph.initializers.set(name, { ...tensor, data: tensor.data.map((was, at) => (at < count ? value : was)) });
  return graph;
}

describe('readNet() refuses weights that are not finite, naming the tensor and how many there are', () => {
  test.each([
    ['a weight', spoiled(denseNet(1), 'fc2.weight', NaN, 3), '3 of the 48 values of its tensor "fc2.weight"'],
    ['a bias', spoiled(denseNet(1), 'fc1.bias', -Infinity, 1), '1 of the 8 values of its tensor "fc1.bias"'],
    [
      'a statistic',
      spoiled(resnet({ seed: 1 }), 'bn1.running_var', Infinity, 2),
      '2 of the 4 values of its tensor "bn1.running_var"',
    ],
    [
      'the last layer',
      spoiled(denseNet(1), 'fc3.weight', NaN, 18),
      '18 of the 18 values of its tensor "fc3.weight"',
    ],
  ])('%s', (_, graph, problem) => {
    expect(() => read(graph)).toThrow(`Cannot zip "digit": ${problem} are not finite`);
  });

  test('what a conversion makes infinite, by the layer', () => {
    const graph = denseNet(1);
    const [fc1] = graph.nodes;
    const bits = new Uint16Array(48).fill(0x3c00).fill(0x7c00, 0, 5);
    graph.initializers.set('half', { dtype: 'float16', dims: [8, 6], data: bits });
    graph.nodes.unshift({
      ...{ name: 'cast', op: 'Cast', domain: '', inputs: ['half'], outputs: ['fc1.w'] },
      attributes: { to: int(1) },
    });
    if (fc1) fc1.inputs = [fc1.inputs[0] ?? '', 'fc1.w', fc1.inputs[2] ?? ''];
    expect(() => read(graph)).toThrow(/^Cannot zip "digit": 5 of the 56 weights of \S+ are not finite$/);
  });

  test('but reads infinite bounds', () => {
    const net = new NetBuilder('bounded', 1);
    const x = net.conv('conv1', net.input([2, 4, 4]), 3);
    const bounds = [net.constant('least', [0], []), net.constant('most', [Infinity], [])];
    const bounded = net.node('Clip', [x, ...bounds], x.dims);
    const graph = net.end(net.dense('fc', net.flatten(net.globalPool(bounded)), 3));
    expect(() => read(graph)).not.toThrow();
  });
});
