import { describe, expect, test } from 'vitest';
import { addUp, overSamples } from '../../../gpu-runner/mtz/overSamples.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { randomSamples } from './networks.ts';

const graph = new Graph('doubling');
graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 2] }];
graph.addNode('Add', ['x', 'x'], ['twice']);
graph.outputs = [{ name: 'twice', dtype: 'float32', dims: ['N', 2] }];
const data = randomSamples([2], 7, 1);

describe('overSamples', () => {
  test('overSamples() runs all samples asked for, in order, the last chunk smaller', async () => {
    const samples = Uint32Array.of(6, 0, 3, 3, 1);
    const seen: number[][] = [];
    await overSamples(graph, 'layer', data, 2, { samples, provider: 'cpu' }, ({ twice }) => {
      seen.push(Array.from(twice?.data ?? [], Number));
    });
    expect(seen.map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(seen.flat()).toEqual(Array.from(data.inputs(samples), (value) => Math.fround(2 * value)));
  });

  test('overSamples() refuses a graph that reads no samples', async () => {
    const deaf = new Graph('deaf');
    const options = { samples: Uint32Array.of(0), provider: 'cpu' } as const;
    await expect(overSamples(deaf, 'conv1', data, 1, options, () => undefined)).rejects.toThrow(
      'Cannot measure conv1: nothing of the input reaches it',
    );
  });
});

describe('addUp', () => {
  test('addUp() adds chunk after chunk and refuses what does not fit', () => {
    const totals = { sum: Float64Array.of(1, 2) };
    const chunk = (values: readonly number[]) =>
      ({ sum: { dtype: 'float64', dims: [values.length], data: Float64Array.from(values) } }) as const;
    addUp(totals, chunk([10, 20]));
    addUp(totals, chunk([100, 200]));
    expect(totals.sum).toEqual(Float64Array.of(111, 222));
    expect(() => addUp(totals, chunk([1]))).toThrow('Cannot add up a Gram matrix: a chunk has dims [1]');
    expect(() => addUp(totals, {})).toThrow('a chunk has dims []');
  });
});
