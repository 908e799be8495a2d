import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../../../gpu-runner/runner/work/inspectModel.ts';
import { modelInspection } from '../../../../shared/inspection.ts';
import { everyNet } from '../../mtz/nets/all.ts';
import { lenet } from '../../mtz/nets/lenet.ts';

const net = () => lenet({ seed: 1, input: [1, 12, 12], channels: [4, 6], hidden: 10, classes: 3 });

describe('inspectModel()', () => {
  it('says what a network reads, computes, answers and can share', () => {
    const found = inspectModel(net(), ['a', 'b', 'c']);
    expect(found.inputs).toMatchObject([{ dtype: 'float32', dims: [-1, 1, 12, 12] }]);
    expect(found.outputs).toMatchObject([{ dtype: 'float32', dims: [-1, 3] }]);
    expect(found.operators).toMatchObject({ Conv: 2, Gemm: 2, MaxPool: 2, Relu: 3, Flatten: 1 });
    // 4 filters of 3 x 3 and their biases, 6 of 4 x 3 x 3, then 54 -> 10 -> 3.
    const weights = 4 * 9 + 6 * 36 + 54 * 10 + 10 * 3;
    expect(found.parameters).toBe(weights + 4 + 6 + 10 + 3);
    expect(found.macs).toBe(144 * 4 * 9 + 36 * 6 * 36 + 54 * 10 + 10 * 3);
    expect(found.groups).toEqual([
      { name: 'conv1', channels: 4, shareable: true, reason: null },
      { name: 'conv2', channels: 6, shareable: true, reason: null },
      { name: 'fc1', channels: 10, shareable: true, reason: null },
      { name: 'fc2', channels: 3, shareable: false, reason: 'its channels are the logits' },
    ]);
    expect(found.problems).toEqual([]);
  });

  it('draws the graph node by node: what each reads, makes, costs and can share', () => {
    const layers = inspectModel(net(), []).layers ?? [];
    expect(layers.map(({ op, dims, group }) => [op, dims, group])).toEqual([
      ['Conv', [4, 12, 12], 'conv1'],
      ['Relu', [4, 12, 12], null],
      ['MaxPool', [4, 6, 6], null],
      ['Conv', [6, 6, 6], 'conv2'],
      ['Relu', [6, 6, 6], null],
      ['MaxPool', [6, 3, 3], null],
      ['Flatten', [54], null],
      ['Gemm', [10], 'fc1'],
      ['Relu', [10], null],
      ['Gemm', [3], 'fc2'],
    ]);
    expect(layers.map(({ from }) => from)).toEqual(layers.map((_, place) => [place - 1]));
    expect(layers[0]).toMatchObject({ parameters: 4 * 9 + 4, macs: 144 * 4 * 9 });
  });

  it.each(Object.entries(everyNet))('the layers of %s add up to the network', (_, build) => {
    const { layers = [], parameters, macs, groups } = inspectModel(build(1), []);
    const sum = (numbers: (number | null)[]): number =>
      numbers.reduce<number>((total, one) => total + (one ?? 0), 0);
    expect(sum(layers.map((layer) => layer.parameters))).toBe(parameters);
    if (macs === null) expect(new Set(layers.map((layer) => layer.macs))).toEqual(new Set([null]));
    else expect(sum(layers.map((layer) => layer.macs))).toBe(macs);
    const named = new Set(layers.flatMap(({ group }) => group ?? []));
    expect(groups.map(({ name }) => name)).toEqual(expect.arrayContaining([...named]));
    expect(named.size).toBeGreaterThan(0);
  });

  it.each(Object.entries(everyNet))('describes %s within the contract', (_, build) => {
    const found = inspectModel(build(1), []);
    expect(modelInspection.parse(found)).toEqual(found);
    expect(found.groups.filter(({ shareable }) => shareable).length).toBeGreaterThan(0);
    expect(Object.values(found.operators).reduce((sum, count) => sum + count, 0)).toBe(build(1).nodes.length);
  });

  it('says that there are as many labels as numbers, or not', () => {
    expect(inspectModel(net(), ['a', 'b']).problems).toEqual([
      expect.stringMatching(/^Its answer ".+" has 3 numbers, but 2 labels are registered$/),
    ]);
  });

  it('names a weight that is not finite', () => {
    const graph = net();
    const [name = '', tensor] = [...graph.initializers].find(([, { dtype }]) => dtype === 'float32') ?? [];
    if (tensor?.dtype === 'float32') tensor.data[5] = NaN;
    expect(inspectModel(graph, []).problems).toContain(`Weight "${name}" is not finite: element 5 is NaN`);
  });

  it('names an operator that is not supported, and still counts what it can', () => {
    const graph = net();
    const [first] = graph.nodes;
    if (first) graph.nodes[0] = { ...first, op: 'Fancy', domain: 'com.example' };
    const found = inspectModel(graph, []);
    expect(found.problems.join('\n')).toContain('Operator com.example.Fancy is not supported');
    expect(found.macs).toBeNull();
    expect(found.operators['com.example.Fancy']).toBe(1);
    expect(found.parameters).toBeGreaterThan(0);
  });
});
