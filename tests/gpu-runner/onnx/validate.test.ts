import { describe, expect, it } from 'vitest';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../gpu-runner/onnx/validate.ts';
import { f32 } from './single-node.ts';

function network(): Graph {
  const graph = new Graph('network');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: [3] });
  graph.outputs.push({ name: 'y', dtype: 'float32', dims: [3] });
  graph.initializers.set('bias', f32(3));
  graph.addNode('Add', ['x', 'bias'], ['sum']);
  graph.addNode('Relu', ['sum'], ['y']);
  return graph;
}

function problem(edit: (graph: Graph) => void): () => void {
  const graph = network();
  edit(graph);
  return () => validate(graph);
}

describe('validate()', () => {
  it('accepts a network, and one that leaves optional inputs out', () => {
    expect(problem(() => undefined)).not.toThrow();
    expect(problem((graph) => graph.addNode('Clip', ['y', '', 'bias'], ['z']))).not.toThrow();
  });

  it('refuses a value that is defined twice, whoever does', () => {
    expect(problem((graph) => graph.addNode('Neg', ['x'], ['sum']))).toThrow(
      'value "sum" is defined twice, the second time by Neg "Neg"',
    );
    expect(problem((graph) => graph.initializers.set('x', f32(3)))).toThrow(
      'value "x" is defined twice, the second time by an initializer',
    );
    expect(problem((graph) => graph.inputs.push({ name: 'x', dtype: 'float32', dims: [] }))).toThrow(
      'by an input',
    );
  });

  it('refuses a value that is not defined before it is read', () => {
    expect(problem((graph) => graph.nodes.reverse())).toThrow(
      'Relu "Relu" reads "sum", which is not defined before it',
    );
    expect(problem((graph) => graph.outputs.push({ name: 'z', dtype: 'float32', dims: [] }))).toThrow(
      'output "z" is not defined',
    );
  });

  it('refuses a tensor with more or fewer elements than its dims say', () => {
    const short = { ...f32(3), dims: [4] };
    expect(problem((graph) => graph.initializers.set('short', short))).toThrow(
      'initializer "short" has dims [4] but 3 elements',
    );
  });

  it('refuses an undeclared operator set, no outputs, an output named twice, an input without a name', () => {
    expect(problem((graph) => graph.addNode('Gelu', ['x'], ['z'], {}, 'com.microsoft'))).toThrow(
      'needs operator set "com.microsoft"',
    );
    expect(problem((graph) => (graph.outputs = []))).toThrow('it has no outputs');
    expect(problem((graph) => graph.outputs.push(...graph.outputs))).toThrow(
      'outputs y, y name one value twice',
    );
    expect(problem((graph) => graph.inputs.push({ name: '', dtype: 'float32', dims: [] }))).toThrow(
      'an input has no name',
    );
  });

  it('looks into nested graphs, which may read the values around them', () => {
    const withBody = (reads: string) => (graph: Graph) => {
      const inner = new Graph('inner');
      inner.outputs.push({ name: 'out', dtype: 'float32', dims: [3] });
      inner.addNode('Neg', [reads], ['out']);
      graph.addNode('If', ['x'], ['z'], { then_branch: { type: 'graph', value: inner } });
    };
    expect(problem(withBody('sum'))).not.toThrow();
    expect(problem(withBody('later'))).toThrow('Cannot use graph "inner": Neg "Neg" reads "later"');
  });
});
