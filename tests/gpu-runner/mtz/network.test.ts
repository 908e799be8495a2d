import { describe, expect, test } from 'vitest';
import {
  blocksOf,
  inputsFor,
  joinNets,
  rowsOf,
  weightedSteps,
  widthOf,
} from '../../../gpu-runner/mtz/network.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import { convNet } from './nets.ts';
import { groupNamed, stepNamed } from './networks.ts';

const netOf = (task: string, seed = 1) => readNet(convNet(seed), task, { batchNorm: 'fold' });
const network = joinNets([netOf('digit'), netOf('fashion', 2)], 'crossed');

describe('joinNets', () => {
  test('joinNets() gives every task blocks of its own that share nothing but the input', () => {
    for (const [index, step] of weightedSteps(network).entries()) {
      const rows = rowsOf(network, step);
      expect(rows.map(({ tasks }) => tasks)).toEqual([0b01, 0b10]);
      expect(rows.map(({ parts }) => parts.map(({ use }) => use))).toEqual([[0b01], [0b10]]);
      const read = rows.flatMap(({ parts }) => parts.map(({ inputs }) => inputs.map(({ from }) => from)));
      expect(read).toEqual(index === 0 ? [[0b11], [0b11]] : [[0b01], [0b10]]);
    }
    const conv1 = groupNamed(network, 'conv1');
    expect(blocksOf(network, conv1)[1]?.sources).toEqual([0, 1, 2, 3].map((fashion) => ({ fashion })));
    expect(widthOf(network, groupNamed(network, 'fc1'), 0)).toBe(7);
  });

  test('joinNets() keeps the weights as float32 holds them', () => {
    const weights = rowsOf(network, stepNamed(network, 'conv2'))[0]?.parts[0]?.weight;
    const original = convNet(1).initializers.get('conv2.weight');
    expect(weights?.data).toEqual(
      Float64Array.from(original?.dtype === 'float32' ? original.data : new Float32Array(1)),
    );
  });

  test('inputsFor() counts columns by channels and positions', () => {
    const own = { segment: 0, from: 0b01 };
    expect(inputsFor(network, stepNamed(network, 'conv1'), 0b10)).toEqual([
      { segment: 0, from: 0b11, columns: 18 },
    ]);
    expect(inputsFor(network, stepNamed(network, 'fc1'), 0b01)).toEqual([{ ...own, columns: 45 }]);
    expect(inputsFor(network, stepNamed(network, 'fc1'), 0b11)).toEqual([]);
  });

  test('joinNets() renames an input that is called like a task', () => {
    const { topology } = joinNets([netOf('image'), netOf('fashion')], 'crossed');
    expect(topology.input.name).toBe('image.input');
  });

  test('joinNets() refuses a task that appears twice, no network, and more tasks than a set can hold', () => {
    expect(() => joinNets([netOf('digit'), netOf('digit')], 'crossed')).toThrow('a task appears twice');
    expect(() => joinNets([], 'crossed')).toThrow('no network is given');
    const many = Array.from({ length: 31 }, (_, index) => ({ ...netOf('digit'), task: `task${index}` }));
    expect(() => joinNets(many, 'crossed')).toThrow('Cannot zip 31 networks: the limit is 30');
  });

  test('groups and weights that are not there are refused', () => {
    expect(() => blocksOf(network, 9)).toThrow('Cannot find group 9 of 5');
    const step = { ...stepNamed(network, 'fc1'), name: 'fc9' };
    expect(() => rowsOf(network, step)).toThrow('Cannot find the weights of fc9');
  });
});
