import { describe, expect, test } from 'vitest';
import { Graph, int, ints, type Attribute, type Dim } from '../../../gpu-runner/onnx/graph.ts';
import { countMacs, countParameters } from '../../../gpu-runner/mtz/count.ts';

function graphOf(
  op: string,
  input: readonly Dim[],
  weights: readonly (readonly number[])[],
  attributes: Record<string, Attribute> = {},
): Graph {
  const graph = new Graph();
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: input }];
  graph.outputs = [{ name: 'y', dtype: 'float32', dims: [null] }];
  weights.forEach((dims, index) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    graph.initializers.set(`w${index}`, { dtype: 'float32', dims, data: new Float32Array(size) });
  });
  const inputs = ['x', ...graph.initializers.keys()];
  graph.nodes = [{ name: 'node', op, domain: '', inputs, outputs: ['y'], attributes }];
  return graph;
}

describe('countMacs', () => {
  test('countMacs() of a convolution is k*k*C for each output element', () => {
    const conv = graphOf('Conv', ['N', 3, 8, 8], [[16, 3, 5, 5], [16]], { strides: ints([2, 2]) });
    expect(countMacs(conv)).toBe(16 * 2 * 2 * 3 * 25);
  });

  test('countMacs() of a grouped convolution counts only the channels of each group', () => {
    const conv = graphOf('Conv', ['N', 4, 6, 6], [[8, 1, 3, 3]], { group: int(4) });
    expect(countMacs(conv)).toBe(8 * 4 * 4 * 9);
  });

  test('countMacs() of a transposed convolution is k*k*outputs for each input element', () => {
    expect(countMacs(graphOf('ConvTranspose', ['N', 3, 4, 4], [[3, 5, 2, 2]]))).toBe(3 * 16 * 5 * 4);
  });

  test('countMacs() of dense layers is inputs times outputs, for one sample whatever the batch', () => {
    expect(countMacs(graphOf('Gemm', ['N', 20], [[10, 20], [10]], { transB: int(1) }))).toBe(200);
    expect(countMacs(graphOf('MatMul', [32, 20], [[20, 10]]))).toBe(200);
  });

  test('countMacs() of an activation is none', () => {
    expect(countMacs(graphOf('Relu', ['N', 20], []))).toBe(0);
  });

  test('countMacs() refuses an image of unknown size', () => {
    expect(() => countMacs(graphOf('Conv', ['N', 3, 'H', 8], [[1, 3, 3, 3]]))).toThrow(
      'Cannot count multiply-adds: dimension 2 of input "x" is not known',
    );
  });
});

describe('countParameters', () => {
  test('countParameters() counts floating-point initializers once and leaves shapes out', () => {
    const graph = graphOf('Gemm', ['N', 20], [[10, 20], [10]], { transB: int(1) });
    graph.initializers.set('shape', { dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) });
    expect(countParameters(graph)).toBe(210);
  });
});
