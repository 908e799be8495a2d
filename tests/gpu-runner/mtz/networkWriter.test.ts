import { describe, expect, test } from 'vitest';
import { blocksOfTask, layerAt } from '../../../gpu-runner/mtz/network.ts';
import { biasName, NetworkWriter, weightDims, weightName } from '../../../gpu-runner/mtz/networkWriter.ts';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { answerOf, convInput, convNet, largestGap, NetBuilder, randomInput } from './nets.ts';
import { joined } from './networks.ts';
import { joinChains } from '../../../gpu-runner/mtz/network.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { jointGraph } from '../../../gpu-runner/mtz/wiring.ts';

const network = joined([convNet(1), convNet(2)], 'crossed');

describe('NetworkWriter', () => {
  test('weights are named after the layer, the tasks that use them and those they read', () => {
    expect(weightName(network, 0, 0b11, 0b11)).toBe('conv1.digit+fashion.from.input.weight');
    expect(weightName(network, 2, 0b10, 0b11)).toBe('fc1.fashion.from.digit+fashion.weight');
    expect(biasName(network, 1, 0b01)).toBe('conv2.digit.bias');
  });

  test('weightDims() are those of a Conv or a Gemm', () => {
    expect(weightDims(network, 1, matrix(5, 36))).toEqual([5, 4, 3, 3]);
    expect(weightDims(network, 2, matrix(7, 45))).toEqual([7, 45]);
  });

  test('a block that is written twice has its weights stored once', async () => {
    const writer = new NetworkWriter(network, 'twice');
    const input = writer.input('image');
    const [block] = blocksOfTask(layerAt(network, 0), 0);
    if (!block) throw new Error('no block');
    const values = ['first', 'second'].map((name) => writer.block(0, block, new Map([[0b11, input]]), name));
    const graph = writer.finish(values);
    expect([...graph.initializers.keys()]).toEqual(['conv1.digit.bias', 'conv1.digit.from.input.weight']);
    expect(graph.outputs.map(({ name, dims }) => [name, dims])).toEqual([
      ['first', ['N', 4, 6, 6]],
      ['second', ['N', 4, 6, 6]],
    ]);
    const x = randomInput([2, ...convInput], 1);
    const original = convNet(1);
    original.outputs = [
      { name: original.nodes[2]?.outputs[0] ?? '', dtype: 'float32', dims: ['N', 4, 6, 6] },
    ];
    expect(largestGap(await answerOf(graph, x), await answerOf(original, x))).toBe(0);
  });

  test('a block that reads nothing, and an output that is not written, are refused', () => {
    const writer = new NetworkWriter(network, 'broken');
    const [block] = blocksOfTask(layerAt(network, 1), 0);
    if (!block) throw new Error('no block');
    expect(() => writer.block(1, block, new Map(), 'conv2')).toThrow(
      'Cannot write "conv2": it reads no input',
    );
    expect(() => writer.finish(['nowhere'])).toThrow('Cannot put out "nowhere": it is not in graph "broken"');
  });

  test('layers and tasks whose names run together are refused, not mixed up', () => {
    const graph = new NetBuilder(1, [3]).dense('fc', 3, 3).dense('fc.1', 3, 3).end();
    const chains = ['1.digit', 'digit'].map((task) => ({ task, chain: readChain(graph, task) }));
    expect(() => jointGraph(joinChains(chains, 'crossed'))).toThrow('two layers have weights of this name');
  });
});
