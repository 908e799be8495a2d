import { expect, it } from 'vitest';
import { quantisedFlow } from '../../../../gpu-runner/bundle/quantise/flow.ts';
import { layersOf } from '../../../../gpu-runner/bundle/quantise/layers.ts';
import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from '../../mtz/nets/builder.ts';

const flowOf = (graph: Graph, without: readonly string[] = [], given: readonly string[] = []) => {
  const layers = layersOf(graph).filter(({ name }) => !without.includes(name));
  const { quantised, born } = quantisedFlow(graph, layers, new Set(given));
  return { quantised: Object.fromEntries(quantised), born: [...born] };
};

/** conv, ReLU, max pooling, flatten, dense, ReLU, dense */
function lenet(): Graph {
  const net = new NetBuilder('lenet', 1);
  let x = net.relu(net.conv('conv', net.input([1, 6, 6]), 2));
  x = net.flatten(net.pool('MaxPool', x, { kernel: 2 }));
  return net.end(net.dense('fc2', net.relu(net.dense('fc1', x, 5)), 3));
}

it('quantisedFlow() has one scale from a convolution to the layer that reads it, and leaves the answer float', () => {
  expect(flowOf(lenet()).quantised).toEqual({
    image: 'image',
    '/Relu_output_0': '/Relu_output_0',
    '/MaxPool_output_0': '/Relu_output_0',
    '/Flatten_output_0': '/Relu_output_0',
    '/Relu_1_output_0': '/Relu_1_output_0',
  });
});

it('quantisedFlow() goes round a layer that stays float: what it makes is rounded only for those who read integers', () => {
  const { quantised, born } = flowOf(lenet(), ['/fc1/Gemm']);
  // The convolution still puts out integers, or it would not compute on them; nobody needs what lies behind as such.
  expect(quantised).toEqual({
    image: 'image',
    '/Relu_output_0': '/Relu_output_0',
    '/Relu_1_output_0': '/Relu_1_output_0',
  });
  expect(born).toEqual(['/Relu_output_0']);
});

it('quantisedFlow() adds and joins integers, each on its own scale', () => {
  const net = new NetBuilder('residual', 1);
  const image = net.input([2, 6, 6]);
  const one = net.conv('one', image, 2);
  const sum = net.relu(net.both('Add', one, image));
  const joined = net.concat([sum, net.conv('two', sum, 3)]);
  const graph = net.end(net.conv('three', joined, 2));
  expect(Object.keys(flowOf(graph).quantised)).toEqual([
    'image',
    '/one/Conv_output_0',
    '/Relu_output_0',
    '/two/Conv_output_0',
    '/Concat_output_0',
    'logits',
  ]);
});

it('quantisedFlow() keeps an activation that ONNX Runtime computes on floats only out of it', () => {
  const net = new NetBuilder('swish', 1);
  const swish = net.act('HardSwish', net.conv('one', net.input([2, 6, 6]), 2));
  const { quantised, born } = flowOf(net.end(net.conv('two', swish, 2)));
  expect(quantised).toEqual({
    image: 'image',
    '/one/Conv_output_0': '/one/Conv_output_0',
    '/HardSwish_output_0': '/HardSwish_output_0',
    logits: 'logits',
  });
  // Its output is rounded for the next convolution, but exists exactly.
  expect(born).toEqual(['/one/Conv_output_0', 'logits']);
});

it('quantisedFlow() goes on from integers that it was given', () => {
  const net = new NetBuilder('head', 1);
  const graph = net.end(net.dense('fc', net.flatten(net.input([2, 3, 3], 'tap')), 3));
  expect(flowOf(graph).quantised).toEqual({ '/Flatten_output_0': '/Flatten_output_0' });
  expect(flowOf(graph, [], ['tap'])).toEqual({
    quantised: { tap: 'tap', '/Flatten_output_0': 'tap' },
    born: ['tap', '/Flatten_output_0'],
  });
});

it('quantisedFlow() puts out integers where others want them, if it has them', () => {
  const net = new NetBuilder('trunk', 1);
  const conv = net.conv('conv', net.input([1, 4, 4]), 2);
  const graph = net.end(net.pool('MaxPool', conv, { kernel: 2 }), 'tap');
  const flow = (layers: ReturnType<typeof layersOf>, wanted: readonly string[]) =>
    quantisedFlow(graph, layers, new Set(), new Set(wanted));
  const made = '/conv/Conv_output_0';
  expect(Object.fromEntries(flow(layersOf(graph), []).quantised)).toEqual({ image: 'image', [made]: made });
  expect(Object.fromEntries(flow(layersOf(graph), ['tap']).quantised)).toEqual({
    image: 'image',
    [made]: made,
    tap: made,
  });
  expect(flow([], ['tap']).quantised.size).toBe(0);
});
