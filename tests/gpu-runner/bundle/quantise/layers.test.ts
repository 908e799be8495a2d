import { expect, it } from 'vitest';
import { layersOf } from '../../../../gpu-runner/bundle/quantise/layers.ts';
import { float, Graph, int, type Attribute } from '../../../../gpu-runner/onnx/graph.ts';
import { mobilenet } from '../../mtz/nets/mobilenet.ts';

/** A graph of one node that reads `x` and initializers of these dims. */
function one(op: string, dims: Record<string, number[]>, attributes: Record<string, Attribute> = {}): Graph {
  const graph = new Graph('one');
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 4] }];
  for (const [name, shape] of Object.entries(dims))
    graph.initializers.set(name, {
      dtype: 'float32',
      dims: shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    });
  graph.nodes = [
    { name: 'layer', op, domain: '', inputs: ['x', ...Object.keys(dims)], outputs: ['y'], attributes },
  ];
  return graph;
}

it('layersOf() finds every convolution and dense layer of a net, depthwise ones too', () => {
  const layers = layersOf(mobilenet({ seed: 1, gate: 'dense' }));
  expect(layers).toHaveLength(18);
  expect(layers.every(({ unsupported }) => unsupported === null)).toBe(true);
  expect(layers[0]).toMatchObject({ name: '/stem.0/Conv', weight: 'stem.0.weight', axis: 0 });
});

it('layersOf() knows on which axis the channels lie', () => {
  const axis = (graph: Graph): number | undefined => layersOf(graph)[0]?.axis;
  expect(axis(one('Gemm', { w: [3, 4] }, { transB: int(1) }))).toBe(0);
  expect(axis(one('Gemm', { w: [4, 3] }))).toBe(1);
  expect(axis(one('MatMul', { w: [4, 3] }))).toBe(1);
});

it('layersOf() says why a layer cannot compute on integers', () => {
  const reason = (graph: Graph): string | null | undefined => layersOf(graph)[0]?.unsupported;
  expect(reason(one('Gemm', { w: [4, 3], b: [3] }, { alpha: float(0.5) }))).toBe(
    'it computes alpha 0.5, beta 1, transA 0, not 1, 1, 0',
  );
  expect(reason(one('Gemm', { w: [4, 3], b: [1] }))).toBe(
    'its bias [1] is not one number for each of 3 channels',
  );
  expect(reason(one('MatMul', { w: [2, 4, 3] }))).toBe('its weights [2,4,3] are not one matrix');
  expect(reason(one('ConvTranspose', { w: [4, 3, 2, 2] }))).toContain(
    'no transposed convolution of integers',
  );
  const computed = one('Gemm', { w: [4, 3] });
  computed.nodes[0]?.inputs.push('x');
  expect(reason(computed)).toBe('its bias is not constant');
});

it('layersOf() takes products of two activations for none', () => {
  const graph = one('MatMul', {});
  graph.nodes[0]?.inputs.push('x');
  expect(layersOf(graph)).toEqual([]);
});
