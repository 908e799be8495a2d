import { describe, expect, it } from 'vitest';
import { Graph, int, type Node } from '../../../gpu-runner/onnx/graph.ts';
import { inferNode, inferShapes, supportedOperators } from '../../../gpu-runner/onnx/shapes.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { f32, i64, runModel } from './single-node.ts';

function network(): Graph {
  const graph = new Graph('network');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: ['N', 3, 8, 8] });
  graph.initializers.set('w', f32(4, 3, 3, 3));
  graph.initializers.set('dense', f32(36, 10));
  graph.addNode('Conv', ['x', 'w'], ['maps']);
  graph.addNode('MaxPool', ['maps'], ['pooled'], {
    kernel_shape: { type: 'ints', value: [2, 2] },
    strides: { type: 'ints', value: [2, 2] },
  });
  graph.addNode('Flatten', ['pooled'], ['flat']);
  graph.addNode('MatMul', ['flat', 'dense'], ['logits']);
  graph.outputs.push({ name: 'logits', dtype: 'float32', dims: ['N', 10] });
  return graph;
}

const node = (op: string, domain = ''): Node => ({
  name: 'n1',
  op,
  domain,
  inputs: ['x'],
  outputs: ['y'],
  attributes: {},
});

describe('inferShapes()', () => {
  it('carries a symbolic batch through a network', () => {
    const types = inferShapes(network());
    expect(types.get('pooled')).toEqual({ dtype: 'float32', dims: ['N', 4, 3, 3] });
    expect(types.get('logits')).toEqual({ dtype: 'float32', dims: ['N', 10] });
    expect(types.get('w')).toEqual({ dtype: 'float32', dims: [4, 3, 3, 3] });
  });

  it('takes given dims in place of declared ones, and finds what ONNX Runtime computes', async () => {
    const logits = inferShapes(network(), { x: [5, 3, 8, 8] }).get('logits');
    const result = await runModel(writeModel(network()), { x: f32(5, 3, 8, 8) });
    expect(logits?.dims).toEqual(result['logits']?.dims);
  });

  it('refuses given dims that contradict the declared ones', () => {
    expect(() => inferShapes(network(), { x: [5, 1, 8, 8] })).toThrow(
      'Cannot give input "x" dims [5,1,8,8]: it has [N,3,8,8]',
    );
  });

  it('refuses a value that is read before it is defined', () => {
    const graph = network();
    graph.nodes.reverse();
    expect(() => inferShapes(graph)).toThrow(
      'Cannot infer MatMul "MatMul": its input "flat" is not defined before it',
    );
  });

  it('uses the values of Constant nodes', () => {
    const graph = new Graph();
    graph.inputs.push({ name: 'x', dtype: 'float32', dims: ['N', 6] });
    graph.addNode('Constant', [], ['shape'], { value: { type: 'tensor', value: i64([0, 2, 3]) } });
    graph.addNode('Reshape', ['x', 'shape'], ['y']);
    expect(inferShapes(graph).get('y')?.dims).toEqual(['N', 2, 3]);
  });
});

describe('inferNode()', () => {
  const type = { dtype: 'float32', dims: [2] } as const;

  it('names the operator, the node and the opset that it does not support', () => {
    expect(supportedOperators.has('Einsum')).toBe(false);
    expect(() => inferNode(node('Einsum'), [type], () => undefined)).toThrow(
      'Cannot infer node "n1": operator Einsum (opset 21) is not supported',
    );
    expect(() => inferNode(node('Relu', 'com.example'), [type], () => undefined)).toThrow(
      'operator com.example.Relu',
    );
  });

  it('gives one type an output', () => {
    const two = {
      ...node('MaxPool'),
      outputs: ['y', 'i'],
      attributes: { kernel_shape: { type: 'ints', value: [2] } as const },
    };
    const types = inferNode(two, [{ dtype: 'float32', dims: ['N', 1, 5] }], () => undefined);
    expect(types).toEqual([
      { dtype: 'float32', dims: ['N', 1, 4] },
      { dtype: 'int64', dims: ['N', 1, 4] },
    ]);
  });

  it('refuses an attribute of the wrong kind, and an input without a type', () => {
    const softmax = { ...node('Softmax'), attributes: { axis: { type: 'float', value: 1 } as const } };
    expect(() => inferNode(softmax, [type], () => undefined)).toThrow(
      'attribute "axis" has type float, expected int',
    );
    expect(() => inferNode(node('Relu'), [undefined], () => undefined)).toThrow(
      'the type of its input "x" is unknown',
    );
    expect(inferNode({ ...node('Softmax'), attributes: { axis: int(0) } }, [type], () => undefined)).toEqual([
      type,
    ]);
  });
});
