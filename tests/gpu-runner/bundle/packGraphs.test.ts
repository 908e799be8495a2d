import { expect, it } from 'vitest';
import { packGraphs } from '../../../gpu-runner/bundle/packGraphs.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { readModel } from '../../../gpu-runner/onnx/read.ts';
import { elementCount, type Tensor } from '../../../shared/tensor.ts';

/** Adds every given tensor to its input: enough for them to be read. */
function summing(name: string, tensors: Record<string, Tensor>): Graph {
  const graph = new Graph(name);
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: [1] });
  let value = 'x';
  for (const [tensor, content] of Object.entries(tensors)) {
    graph.initializers.set(tensor, content);
    graph.nodes.push({
      name: `add ${tensor}`,
      op: 'Add',
      domain: '',
      inputs: [value, tensor],
      outputs: [`${tensor}.sum`],
      attributes: {},
    });
    value = `${tensor}.sum`;
  }
  graph.outputs.push({ name: value, dtype: 'float32', dims: [null] });
  return graph;
}

const filled = (value: number, ...dims: number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims,
  data: new Float32Array(elementCount(dims)).fill(value),
});

it('packGraphs() keeps one copy of equal content under different names and shapes, in one graph and across graphs', () => {
  const a = summing('a', { w: filled(1, 40), again: filled(1, 5, 8), own: filled(2, 40) });
  const b = summing('b', { v: filled(1, 40) });
  const { graphs, files } = packGraphs([
    { name: 'a', graph: a },
    { name: 'b', graph: b },
  ]);
  expect(graphs).toEqual([
    { graph: 'a.onnx', weights: ['a.weights', 'shared-1.weights'] },
    { graph: 'b.onnx', weights: ['shared-1.weights'] },
  ]);
  expect(files.get('shared-1.weights')).toEqual(new Uint8Array(filled(1, 40).data.buffer));
  expect(files.get('a.weights')).toEqual(new Uint8Array(filled(2, 40).data.buffer));
});

it('packGraphs() gives every set of readers a file of its own, so that none loads what it does not read', () => {
  const contents = { all: filled(1, 20), ab: filled(2, 20), bc: filled(3, 20) };
  const { all, ab, bc } = contents;
  const graphs = [
    { name: 'a', graph: summing('a', { all, ab }) },
    { name: 'b', graph: summing('b', { all, ab, bc }) },
    { name: 'c', graph: summing('c', { all, bc }) },
  ];
  const packed = packGraphs(graphs);
  expect(packed.graphs.map(({ weights }) => weights)).toEqual([
    ['shared-1.weights', 'shared-2.weights'],
    ['shared-1.weights', 'shared-2.weights', 'shared-3.weights'],
    ['shared-1.weights', 'shared-3.weights'],
  ]);
  expect([...packed.files.keys()].filter((path) => path.endsWith('.weights'))).toHaveLength(3);
});

it('packGraphs() writes files that read back as the same graphs', () => {
  const graph = summing('a', { w: filled(1, 17), v: filled(-2, 33), small: filled(3, 1) });
  const { files } = packGraphs([{ name: 'a', graph }]);
  const bytes = files.get('a.onnx');
  if (!bytes) throw new Error('a.onnx is missing');
  const back = readModel(bytes, { externalData: (location) => files.get(location) ?? new Uint8Array() });
  expect(back.nodes).toEqual(graph.nodes);
  expect([...back.initializers]).toEqual([...graph.initializers]);
});

it('packGraphs() starts every weight at a multiple of 64 bytes and leaves small tensors in the graph', () => {
  const graph = summing('a', { w: filled(1, 17), v: filled(2, 16), small: filled(3, 15) });
  const { files, graphs } = packGraphs([{ name: 'a', graph }]);
  const weights = files.get('a.weights') ?? new Uint8Array();
  expect(weights.length).toBe(128 + 64);
  const floats = new Float32Array(weights.buffer);
  expect([floats[0], floats[16], floats[17], floats[32], floats[47]]).toEqual([1, 1, 0, 2, 2]);
  expect(graphs[0]?.weights).toEqual(['a.weights']);
  const alone = packGraphs([{ name: 'b', graph: summing('b', { small: filled(3, 15) }) }]);
  expect(alone.graphs[0]?.weights).toEqual([]);
  expect([...alone.files.keys()]).toEqual(['b.onnx']);
});

it('packGraphs() does not take different types with different bytes for equal', () => {
  const ints: Tensor = { dtype: 'int32', dims: [20], data: new Int32Array(20).fill(1) };
  const graph = summing('a', { w: filled(1, 20) });
  graph.initializers.set('ints', ints);
  graph.nodes.push({
    name: 'cast',
    op: 'Identity',
    domain: '',
    inputs: ['ints'],
    outputs: ['y'],
    attributes: {},
  });
  const { files } = packGraphs([{ name: 'a', graph }]);
  expect(files.get('a.weights')?.length).toBe(128 + 80);
});
