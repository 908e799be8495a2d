import { describe, expect, test } from 'vitest';
import { at, matrix, row } from '../../../gpu-runner/linalg/matrix.ts';
import { blockOf, inputBlocks, layerAt, type Network } from '../../../gpu-runner/mtz/network.ts';
import { mergeBlocks, weightsOf } from '../../../gpu-runner/mtz/mergeBlocks.ts';
import { convNet } from './nets.ts';
import { joined } from './networks.ts';

const before = joined([convNet(1), convNet(2, { conv1: 3 })], 'crossed');
const pairs = [
  { a: 1, b: 2, cost: 0 },
  { a: 3, b: 0, cost: 0 },
];
const shared = matrix(
  2,
  19,
  Float64Array.from({ length: 38 }, (_, index) => index),
);

function blocks(network: Network, index: number) {
  const find = (tasks: number) => {
    const block = blockOf(layerAt(network, index), tasks);
    if (!block) throw new Error(`no block ${tasks}`);
    return block;
  };
  return { find };
}

function merged(): Network {
  const [a, b] = [blocks(before, 0).find(1), blocks(before, 0).find(2)];
  return mergeBlocks(before, { index: 0, a, b, pairs, common: inputBlocks(before, 0), shared, own: [] });
}

describe('mergeBlocks', () => {
  test('mergeBlocks() moves pairs into a shared block that comes first, and leaves the rest in order', () => {
    const { find } = blocks(merged(), 0);
    expect(layerAt(merged(), 0).blocks.map(({ tasks }) => tasks)).toEqual([3, 1, 2]);
    expect(find(3).sources).toEqual([
      { digit: 1, fashion: 2 },
      { digit: 3, fashion: 0 },
    ]);
    expect(find(1).sources).toEqual([{ digit: 0 }, { digit: 2 }]);
    expect(find(2).sources).toEqual([{ fashion: 1 }]);
    expect(find(3).bias).toEqual(Float64Array.of(18, 37));
    expect(row(find(3).edges.get(3) ?? matrix(0, 0), 1)).toEqual(
      Float64Array.from({ length: 18 }, (_, index) => 19 + index),
    );
    const old = blocks(before, 0).find(1);
    expect(row(find(1).edges.get(3) ?? matrix(0, 0), 1)).toEqual(row(old.edges.get(3) ?? matrix(0, 0), 2));
    expect(find(1).bias).toEqual(Float64Array.of(old.bias[0] ?? 0, old.bias[2] ?? 0));
  });

  test('mergeBlocks() lets the layer above read each channel from where it now is', () => {
    const [old, now] = [blocks(before, 1).find(1), blocks(merged(), 1).find(1)];
    const source = old.edges.get(1) ?? matrix(0, 0);
    expect([...now.edges.keys()].sort()).toEqual([1, 3]);
    for (let channel = 0; channel < 5; channel += 1) {
      for (let k = 0; k < 9; k += 1) {
        expect(at(now.edges.get(3) ?? matrix(0, 0), channel, k)).toBe(at(source, channel, 9 + k));
        expect(at(now.edges.get(3) ?? matrix(0, 0), channel, 9 + k)).toBe(at(source, channel, 27 + k));
        expect(at(now.edges.get(1) ?? matrix(0, 0), channel, 9 + k)).toBe(at(source, channel, 18 + k));
      }
    }
  });

  test('mergeBlocks() leaves no empty block and no empty edge', () => {
    const [a, b] = [blocks(before, 0).find(1), blocks(before, 0).find(2)];
    const three = [0, 1, 2].map((channel) => ({ a: channel, b: channel, cost: 0 }));
    const network = mergeBlocks(before, {
      index: 0,
      a,
      b,
      pairs: three,
      common: inputBlocks(before, 0),
      shared: matrix(3, 19),
      own: [],
    });
    expect(layerAt(network, 0).blocks.map(({ tasks }) => tasks)).toEqual([3, 1]);
    expect([...blocks(network, 1).find(2).edges.keys()]).toEqual([3]);
  });

  test('mergeBlocks() of no pairs is the same network', () => {
    const [a, b] = [blocks(before, 0).find(1), blocks(before, 0).find(2)];
    expect(
      mergeBlocks(before, { index: 0, a, b, pairs: [], common: [], shared: matrix(0, 1), own: [] }),
    ).toBe(before);
  });

  test('mergeBlocks() refuses a block that is there already, and a layer above that is shared too early', () => {
    const once = merged();
    const [a, b] = [blocks(once, 0).find(1), blocks(once, 0).find(2)];
    const again = {
      index: 0,
      a,
      b,
      pairs: pairs.slice(0, 1),
      common: inputBlocks(once, 0),
      shared: matrix(1, 19),
      own: [],
    };
    expect(() => mergeBlocks(once, again)).toThrow(
      'Cannot merge channels of conv1: it already has a block digit+fashion',
    );

    const [upA, upB] = [blocks(before, 1).find(1), blocks(before, 1).find(2)];
    const above = mergeBlocks(before, {
      index: 1,
      a: upA,
      b: upB,
      pairs: pairs.slice(0, 1),
      common: [],
      shared: matrix(1, 1),
      own: [1, 2],
    });
    const [lowA, lowB] = [blocks(above, 0).find(1), blocks(above, 0).find(2)];
    expect(() => mergeBlocks(above, { ...again, a: lowA, b: lowB })).toThrow(
      'Cannot merge the channels that conv2 reads',
    );
  });

  test('weightsOf() puts edges side by side, zeros where there is none, and the bias last', () => {
    const block = blocks(merged(), 1).find(1);
    const weights = weightsOf(block, [
      { tasks: 2, columns: 9 },
      { tasks: 1, columns: 18 },
    ]);
    expect(weights.cols).toBe(28);
    expect(row(weights, 0).subarray(0, 9)).toEqual(new Float64Array(9));
    expect(row(weights, 0).subarray(9, 27)).toEqual(row(block.edges.get(1) ?? matrix(0, 0), 0));
    expect(at(weights, 4, 27)).toBe(block.bias[4]);
  });
});
