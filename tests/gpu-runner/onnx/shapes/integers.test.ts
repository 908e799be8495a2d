import { describe, expect, it } from 'vitest';
import { Graph, int, type Attribute, type Dim } from '../../../../gpu-runner/onnx/graph.ts';
import { inferShapes } from '../../../../gpu-runner/onnx/shapes.ts';
import { i64 } from '../single-node.ts';

/** What a Reshape of `x` makes when its target is computed by some nodes from the shape of `x`. */
function reshaped(
  dims: readonly Dim[],
  nodes: readonly (readonly [string, readonly string[], string, Record<string, Attribute>?])[],
): readonly Dim[] | undefined {
  const graph = new Graph();
  graph.inputs.push({ name: 'x', dtype: 'float32', dims });
  for (const value of [0, 1, 2, 3, -1]) {
    graph.initializers.set(`at${value}`, i64([value], []));
    graph.initializers.set(`[${value}]`, i64([value]));
  }
  graph.addNode('Shape', ['x'], ['shape']);
  for (const [op, inputs, output, attributes] of nodes) graph.addNode(op, inputs, [output], attributes);
  graph.addNode('Reshape', ['x', 'target'], ['y']);
  return inferShapes(graph).get('y')?.dims;
}

describe('inferIntegers()', () => {
  const axis = { axis: int(0) };

  it("follows PyTorch's flatten: Shape, Gather, Unsqueeze, Concat", () => {
    const nodes = [
      ['Gather', ['shape', 'at0'], 'batch'],
      ['Unsqueeze', ['batch', '[0]'], 'row'],
      ['Concat', ['row', '[-1]'], 'target', axis],
    ] as const;
    expect(reshaped(['N', 16, 5, 5], nodes)).toEqual(['N', 400]);
    expect(reshaped([2, 16, 5, 5], nodes)).toEqual([2, 400]);
    expect(reshaped([null, 16, 5, 5], nodes)).toEqual([null, null]);
  });

  it('follows Slice, ReduceProd and Concat, where the rest is multiplied', () => {
    const nodes = [
      ['Slice', ['shape', '[0]', '[1]'], 'front'],
      ['Slice', ['shape', '[1]', '[3]'], 'back'],
      ['ReduceProd', ['back', '[0]'], 'columns'],
      ['Concat', ['front', 'columns'], 'target', axis],
    ] as const;
    expect(reshaped(['N', 6, 7], nodes)).toEqual(['N', 42]);
  });

  it('calculates with numbers and keeps a symbol only where nothing changes it', () => {
    const nodes = (op: string, by: string) =>
      [
        ['Gather', ['shape', 'at0'], 'batch'],
        ['Squeeze', ['batch'], 'scalar'],
        [op, ['scalar', by], 'rows'],
        ['Cast', ['rows'], 'cast', { to: int(7) }],
        ['Identity', ['cast'], 'same'],
        ['Concat', ['same', '[-1]'], 'target', axis],
      ] as const;
    expect(reshaped(['N', 6], nodes('Mul', '[1]'))).toEqual(['N', 6]);
    expect(reshaped(['N', 6], nodes('Add', '[0]'))).toEqual(['N', 6]);
    expect(reshaped(['N', 6], nodes('Mul', '[2]'))).toEqual([null, null]);
    expect(reshaped([4, 6], nodes('Mul', '[2]'))).toEqual([8, 3]);
    expect(reshaped([4, 6], nodes('Div', '[2]'))).toEqual([2, 12]);
    expect(reshaped([4, 6], nodes('Sub', '[1]'))).toEqual([3, 8]);
  });

  it('says that a rank computed by other operators is unknown', () => {
    const nodes = [['Neg', ['shape'], 'target']] as const;
    expect(reshaped(['N', 6], nodes)).toEqual([null, null]);
  });
});
