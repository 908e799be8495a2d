import { describe, expect, it } from 'vitest';
import { layOutParameters, packParameters, unpackParameters } from '../../../gpu-runner/engine/parameters.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { convNet, denseNet } from './tinyNets.ts';

describe('layOutParameters()', () => {
  it('finds weights, biases, scales and shifts, but no statistics and ratios', () => {
    expect(layOutParameters(convNet()).map(({ name, decays }) => [name, decays])).toEqual([
      ['kernel', true],
      ['scale', false],
      ['shift', false],
      ['dense', true],
      ['bias', false],
    ]);
  });

  it('lays them out one after the other', () => {
    expect(
      layOutParameters(denseNet()).map(({ name, offset, length, dims }) => [name, offset, length, dims]),
    ).toEqual([
      ['w1', 0, 16, [8, 2]],
      ['b1', 16, 8, [8]],
      ['w2', 24, 24, [8, 3]],
      ['b2', 48, 3, [3]],
    ]);
  });

  it('takes what is added to a product, or to a sum of products, for a bias, and nothing else', () => {
    const graph = new Graph('sums');
    const tensor = (...dims: number[]) =>
      ({
        dtype: 'float32',
        dims,
        data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)),
      }) as const;
    graph.initializers.set('offset', tensor(2)).set('scale', tensor(1));
    graph.initializers
      .set('w1', tensor(2, 3))
      .set('w2', tensor(2, 3))
      .set('w3', tensor(2, 3))
      .set('b', tensor(1, 3));
    graph.addNode('Add', ['x', 'offset'], ['centred']);
    graph.addNode('Mul', ['centred', 'scale'], ['scaled']);
    for (const name of ['1', '2', '3']) graph.addNode('MatMul', ['scaled', `w${name}`], [`p${name}`]);
    graph.addNode('Add', ['p1', 'p2'], ['s1']);
    graph.addNode('Add', ['s1', 'p3'], ['s2']);
    graph.addNode('Add', ['b', 's2'], ['y']);
    expect(layOutParameters(graph).map(({ name, decays }) => [name, decays])).toEqual([
      ['w1', true],
      ['w2', true],
      ['w3', true],
      ['b', false],
    ]);
  });

  it('keeps the order of the names it is given, and decays what has more than one axis', () => {
    const graph = new Graph('named');
    graph.initializers.set('vector', { dtype: 'float32', dims: [2], data: new Float32Array(2) });
    graph.initializers.set('matrix', { dtype: 'float32', dims: [2, 2], data: new Float32Array(4) });
    expect(layOutParameters(graph, ['vector', 'matrix'])).toEqual([
      { name: 'vector', dims: [2], offset: 0, length: 2, decays: false },
      { name: 'matrix', dims: [2, 2], offset: 2, length: 4, decays: true },
    ]);
  });

  it('refuses names that are unknown, twice there or not float32, and a graph with nothing to train', () => {
    const graph = denseNet();
    graph.initializers.set('half', { dtype: 'float16', dims: [1], data: Uint16Array.of(0) });
    expect(() => layOutParameters(graph, ['w9'])).toThrow(
      'Cannot train "w9": graph "dense" has no such initializer',
    );
    expect(() => layOutParameters(graph, ['w1', 'w1'])).toThrow('a parameter is listed twice');
    expect(() => layOutParameters(graph, ['half'])).toThrow(
      'Cannot train "half": it is float16, not float32',
    );
    expect(() => layOutParameters(new Graph('empty'))).toThrow(
      'Cannot train graph "empty": it has no parameters',
    );
  });
});

describe('unpackParameters()', () => {
  it('undoes packParameters()', () => {
    const graph = denseNet();
    const parameters = layOutParameters(graph, ['b2', 'w1']);
    const flat = packParameters(graph, parameters);
    const copy = unpackParameters(denseNet(2, 8, 3, 99), parameters, flat);
    for (const { name } of parameters)
      expect(copy.initializers.get(name)).toEqual(graph.initializers.get(name));
    expect(copy.initializers.get('w2')).not.toEqual(graph.initializers.get('w2'));
  });
});
