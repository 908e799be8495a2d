import { describe, expect, test } from 'vitest';
import { arrange, elementsOf, widthsOf, type Loose } from '../../../gpu-runner/mtz/arrange.ts';
import type { Layer, Plain, Step } from '../../../gpu-runner/mtz/topology.ts';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';

const dense = (name: string, input: number, output: number): Layer => ({
  ...{ kind: 'layer', name, input, output, convolution: null },
});
const plain = (op: string, inputs: number[], output: number): Plain => ({
  ...{ kind: 'plain', name: `${op}${output}`, op, inputs, output, attributes: {}, scalars: [] },
});
const loose = (steps: Step[], ends: number[], output: number | null = null): Loose => ({
  ...{ input: { name: 'x', dims: [4] }, steps, ends, output, pinned: new Map(), sizes: new Map() },
});

describe('arrange', () => {
  test('arrange() orders steps from the ends, whatever their order and that of summands', () => {
    const one = [dense('a', 0, 1), dense('b', 0, 2), plain('Relu', [2], 3), plain('Add', [1, 3], 4)];
    const other = [dense('b', 0, 7), plain('Relu', [7], 3), dense('a', 0, 5), plain('Add', [3, 5], 9)];
    const { topology, numbers } = arrange(loose(one, [4]));
    expect(topology.steps.map(({ name }) => name)).toEqual(['b', 'Relu3', 'a', 'Add4']);
    expect([...numbers]).toEqual([
      [0, 0],
      [2, 1],
      [3, 2],
      [1, 3],
      [4, 4],
    ]);
    const again = arrange(loose(other, [9])).topology;
    expect(again.values).toEqual(topology.values);
    expect(again.steps.map(({ name }) => name)).toEqual(['b', 'Relu3', 'a', 'Add9']);
  });

  test('arrange() leaves out what no end needs', () => {
    const { topology } = arrange(loose([dense('a', 0, 1), dense('dead', 1, 2), dense('c', 1, 3)], [3], 3));
    expect(topology.steps.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(topology.output).toBe(2);
  });

  test('arrange() finds groups, names them after their first layer, and pins whole groups', () => {
    const steps = [
      dense('a', 0, 1),
      dense('b', 1, 2),
      plain('Add', [2, 1], 3),
      dense('c', 3, 4),
      { kind: 'concat', name: 'cat', inputs: [3, 4], output: 5 } as const,
      { kind: 'select', name: 'back', input: 5, segments: [1], output: 6 } as const,
      { kind: 'flatten', name: 'flat', input: 6, output: 7 } as const,
    ];
    const { topology } = arrange({
      ...loose(steps, [7]),
      pinned: new Map([[2, 'because']]),
      sizes: new Map([[6, [2, 3]]]),
    });
    expect(topology.groups.map(({ name, pinned }) => `${name}: ${pinned ?? 'free'}`)).toEqual([
      'input: it is the input, which all tasks read',
      'a: because',
      'c: free',
    ]);
    expect(topology.values.at(-1)).toEqual({ segments: [{ group: 2, area: 6 }], size: [] });
    expect(topology.values.at(-3)?.segments.map(({ group }) => group)).toEqual([1, 2]);
    const weights = new Map(
      [3, 3, 5].map((width, index) => [
        ['a', 'b', 'c'][index] ?? '',
        { weight: matrix(width, 1), bias: new Float64Array(width) },
      ]),
    );
    const widths = widthsOf(topology, weights);
    expect(widths).toEqual([4, 3, 5]);
    expect(topology.values.map((value) => elementsOf(value, widths))).toEqual([4, 3, 3, 3, 5, 8, 5, 30]);
  });

  test('arrange() refuses a sum of values whose segments do not correspond', () => {
    const steps: Step[] = [
      dense('a', 0, 1),
      dense('b', 0, 2),
      { kind: 'concat', name: 'cat', inputs: [1, 2], output: 3 },
      plain('Add', [3, 1], 4),
    ];
    expect(() => arrange(loose(steps, [4]))).toThrow('Cannot group Add "Add4": it joins 2 channels with 1');
  });
});
