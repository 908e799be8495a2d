import { describe, expect, test } from 'vitest';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { addUp, overSamples, samplesAtOnce } from '../../../gpu-runner/mtz/overSamples.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './nets.ts';
import { joined, randomSamples } from './networks.ts';

const graph = new Graph('doubling');
graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 2] }];
graph.addNode('Add', ['x', 'x'], ['twice']);
graph.outputs = [{ name: 'twice', dtype: 'float32', dims: ['N', 2] }];
const data = randomSamples([2], 7, 1);

describe('samplesAtOnce', () => {
  /** A convolution of 64 channels on an image of some size, and a dense layer on what it comes to. */
  const netOn = (side: number): Network => {
    const builder = new NetBuilder(1, [1, side, side]).conv('conv1', 1, 64, 3).op('Relu');
    return joined([builder.op('GlobalAveragePool').op('Flatten').dense('fc', 64, 2).end()], 'crossed');
  };

  test('samplesAtOnce() keeps what is unfolded to 64 MiB', () => {
    expect(samplesAtOnce(netOn(8), 64, 1)).toBe(256);
    expect(samplesAtOnce(netOn(8), 9 * 64, 1024)).toBe(14);
    expect(samplesAtOnce(netOn(8), 9 * 512, 100_000)).toBe(1);
  });

  test('samplesAtOnce() keeps the maps on the way to a small layer to 128 MiB each', () => {
    expect(samplesAtOnce(netOn(226), 64, 1)).toBe(10);
    expect(samplesAtOnce(netOn(2002), 64, 1)).toBe(1);
  });
});

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
