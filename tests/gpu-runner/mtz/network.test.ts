import { describe, expect, test } from 'vitest';
import { inputBlocks, joinChains, layerAt, widthOf } from '../../../gpu-runner/mtz/network.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { convNet } from './nets.ts';

const chainOf = (task: string, seed = 1) => ({ task, chain: readChain(convNet(seed), task) });

describe('joinChains', () => {
  test('joinChains() gives every task blocks of its own that share nothing but the input', () => {
    const network = joinChains([chainOf('digit'), chainOf('fashion', 2)], 'crossed');
    for (const [index, { blocks }] of network.layers.entries()) {
      expect(blocks.map(({ tasks }) => tasks)).toEqual([0b01, 0b10]);
      expect(blocks.map(({ edges }) => [...edges.keys()])).toEqual(
        index === 0 ? [[0b11], [0b11]] : [[0b01], [0b10]],
      );
    }
    expect(layerAt(network, 0).blocks[1]?.sources).toEqual([0, 1, 2, 3].map((fashion) => ({ fashion })));
    expect(widthOf(layerAt(network, 2), 0)).toBe(7);
  });

  test('inputBlocks() counts columns by channels and positions', () => {
    const network = joinChains([chainOf('digit'), chainOf('fashion', 2)], 'crossed');
    expect(inputBlocks(network, 0)).toEqual([{ tasks: 0b11, columns: 18 }]);
    expect(inputBlocks(network, 2)).toEqual([
      { tasks: 0b01, columns: 45 },
      { tasks: 0b10, columns: 45 },
    ]);
  });

  test('joinChains() renames an input that is called like a task', () => {
    expect(joinChains([chainOf('image'), chainOf('fashion')], 'crossed').input.name).toBe('image.input');
  });

  test('joinChains() refuses a task that appears twice, no network, and more tasks than a set can hold', () => {
    expect(() => joinChains([chainOf('digit'), chainOf('digit')], 'crossed')).toThrow('a task appears twice');
    expect(() => joinChains([], 'crossed')).toThrow('no network is given');
    const many = Array.from({ length: 31 }, (_, index) => ({ ...chainOf('digit'), task: `task${index}` }));
    expect(() => joinChains(many, 'crossed')).toThrow('Cannot zip 31 networks: the limit is 30');
  });

  test('layerAt() refuses a layer that does not exist', () => {
    expect(() => layerAt(joinChains([chainOf('digit')], 'crossed'), 4)).toThrow('Cannot find layer 4 of 4');
  });
});
