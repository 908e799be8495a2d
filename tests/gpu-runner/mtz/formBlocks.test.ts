import { describe, expect, test } from 'vitest';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { blocksOf, rowsOf } from '../../../gpu-runner/mtz/network.ts';
import { unformBlocks } from '../../../gpu-runner/mtz/unformBlocks.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { answerOf, convInput, convNet, largestGap, randomInput } from './nets.ts';
import { groupNamed, joined, share, stepNamed } from './networks.ts';
import { everyNet } from './nets/all.ts';
import { shareable } from '../../../gpu-runner/mtz/survey.ts';

const before = joined([convNet(1), convNet(2, { conv1: 3 })], 'crossed');
const group = groupNamed(before, 'conv1');
const sides = [1, 2] as const;
const pairs = [
  { a: 1, b: 2 },
  { a: 3, b: 0 },
];

describe('formBlocks', () => {
  test('formBlocks() moves pairs into a shared block that comes first, and leaves the rest in order', () => {
    const blocks = blocksOf(formBlocks(before, { group, sides, pairs }), group);
    expect(blocks).toEqual([
      {
        tasks: 3,
        sources: [
          { digit: 1, fashion: 2 },
          { digit: 3, fashion: 0 },
        ],
      },
      { tasks: 1, sources: [{ digit: 0 }, { digit: 2 }] },
      { tasks: 2, sources: [{ fashion: 1 }] },
    ]);
  });

  test('formBlocks() leaves weights apart, and lets the layer above read each channel from where it now is', () => {
    const formed = formBlocks(before, { group, sides, pairs });
    const shared = rowsOf(formed, stepNamed(formed, 'conv1')).find(({ tasks }) => tasks === 3);
    expect(shared?.parts.map(({ use }) => use)).toEqual([1, 2]);
    const above = rowsOf(formed, stepNamed(formed, 'conv2')).find(({ tasks }) => tasks === 1);
    expect(above?.parts[0]?.inputs).toEqual([
      { segment: 0, from: 3, columns: 18 },
      { segment: 0, from: 1, columns: 18 },
    ]);
  });

  test('formBlocks() leaves no empty block and no empty column', () => {
    const three = [0, 1, 2].map((channel) => ({ a: channel, b: channel }));
    const formed = formBlocks(before, { group, sides, pairs: three });
    expect(blocksOf(formed, group).map(({ tasks }) => tasks)).toEqual([3, 1]);
    const above = rowsOf(formed, stepNamed(formed, 'conv2')).find(({ tasks }) => tasks === 2);
    expect(above?.parts[0]?.inputs.map(({ from }) => from)).toEqual([3]);
  });

  test.each(Object.entries(everyNet))('formBlocks() changes no answer of %s', async (_, net) => {
    const graphs = [net(1), net(2)];
    let network = joined(graphs, 'crossed');
    for (const [index] of network.topology.groups.entries()) {
      const count = Math.ceil(shareable(network, index) / 2);
      // Any pairs will do: the last channels of one with the first of the other.
      const some = Array.from({ length: count }, (__, k) => ({ a: shareable(network, index) - 1 - k, b: k }));
      network = formBlocks(network, { group: index, sides, pairs: some });
    }
    const x = randomInput([2, ...network.topology.input.dims], 7);
    for (const [index, task] of network.tasks.entries()) {
      const original = await answerOf(graphs[index] ?? convNet(1), x);
      expect(largestGap(await answerOf(taskGraph(network, task), x), original)).toBeLessThan(1e-4);
    }
  });

  test('formBlocks() of no pairs is the same network', () => {
    expect(formBlocks(before, { group, sides, pairs: [] })).toBe(before);
  });

  test('formBlocks() refuses a block that is there already, one that is not, and a task on both sides', () => {
    const once = formBlocks(before, { group, sides, pairs });
    expect(() => formBlocks(once, { group, sides, pairs: [{ a: 0, b: 0 }] })).toThrow(
      'Cannot share channels of conv1: they already have a block of digit+fashion',
    );
    expect(() => formBlocks(before, { group, sides: [1, 4], pairs })).toThrow('there are none of');
    expect(() => formBlocks(before, { group, sides: [1, 1], pairs })).toThrow('a task is on both sides');
  });
});

describe('unformBlocks', () => {
  test('unformBlocks() gives channels back with copies of their weights, and changes no answer (crossed)', async () => {
    let network = joined([convNet(1), convNet(2)], 'crossed');
    for (const [name, count] of [
      ['conv1', 4],
      ['conv2', 4],
      ['fc1', 6],
    ] as const)
      network = await share(network, name, count);
    const x = randomInput([2, ...convInput], 3);
    let freed = network;
    for (const name of ['conv2', 'fc1', 'conv1'])
      freed = unformBlocks(freed, new Map([[groupNamed(network, name), [1, 2]]]));
    for (const [name, widths] of [
      ['conv1', [2, 2, 2]],
      ['conv2', [2, 3, 3]],
      ['fc1', [4, 3, 3]],
    ] as const) {
      const blocks = blocksOf(freed, groupNamed(network, name));
      expect(blocks.map(({ sources }) => sources.length)).toEqual(widths);
    }
    for (const task of network.tasks)
      expect(
        largestGap(await answerOf(taskGraph(freed, task), x), await answerOf(taskGraph(network, task), x)),
      ).toBeLessThan(1e-4);
  });

  test('unformBlocks() of all channels leaves no shared block; one-way, nothing shared reads what is own', async () => {
    let network = joined([convNet(1), convNet(2)], 'one-way');
    network = await share(network, 'conv1', 4);
    network = await share(network, 'conv2', 4);
    const freed = unformBlocks(network, new Map([[groupNamed(network, 'conv1'), [0, 1]]]));
    const shared = rowsOf(freed, stepNamed(freed, 'conv2')).find(({ tasks }) => tasks === 3);
    expect(shared?.parts.map(({ use, inputs }) => [use, inputs.map(({ from }) => from)])).toEqual([[3, [3]]]);
    const all = unformBlocks(network, new Map([[groupNamed(network, 'conv2'), [0, 1, 2, 3]]]));
    expect(blocksOf(all, groupNamed(network, 'conv2')).map(({ tasks }) => tasks)).toEqual([1, 2]);
  });
});
