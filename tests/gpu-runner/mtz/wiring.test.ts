import { describe, expect, test } from 'vitest';
import { wirings } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { countMacs, countParameters } from '../../../gpu-runner/mtz/count.ts';
import { parameterNames } from '../../../gpu-runner/mtz/parameters.ts';
import { jointGraph, servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { answerOf, convInput, convNet, denseNet, largestGap, outputsOf, randomInput } from './nets.ts';
import { joined, share } from './networks.ts';

/** Answers of all tasks on one input from the trunk and the heads, and from each task's own graph. */
async function bothWays(network: Network): Promise<{ served: Float32Array; alone: Float32Array }[]> {
  const x = randomInput([3, ...network.topology.input.dims], 5);
  const { trunk, heads } = servingGraphs(network);
  const taps = trunk ? await outputsOf(trunk, { [network.topology.input.name]: x }) : {};
  const known: Record<string, Tensor> = { ...taps, [network.topology.input.name]: x };
  return Promise.all(
    heads.map(async ({ task, graph }) => {
      const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, known[name] ?? x]));
      const [served] = Object.values(await outputsOf(graph, feeds));
      if (served?.dtype !== 'float32') throw new Error('no output');
      return { served: served.data, alone: await answerOf(taskGraph(network, task), x) };
    }),
  );
}

/** Two or three conv nets, the given number of channels of each layer shared by all. */
async function zipped(
  wiring: (typeof wirings)[number],
  counts: readonly number[],
  tasks = 2,
): Promise<Network> {
  let network = joined(
    [1, 2, 3].slice(0, tasks).map((seed) => convNet(seed)),
    wiring,
  );
  for (const [index, count] of counts.entries()) {
    network = await share(network, ['conv1', 'conv2', 'fc1'][index] ?? '', count);
  }
  return network;
}

const cases = [
  ['one-way', [4, 5, 7], 2],
  ['one-way', [2, 3, 4], 2],
  ['one-way', [2, 3, 4], 3],
  ['one-way', [4, 2, 0], 2],
  ['crossed', [4, 5, 7], 2],
  ['crossed', [2, 3, 4], 2],
  ['crossed', [2, 3, 4], 3],
  ['crossed', [0, 3, 0], 2],
  ['prefix', [4, 5, 0], 2],
  ['prefix', [4, 5, 7], 3],
] as const;

describe('servingGraphs', () => {
  test.each(cases)(
    'trunk and heads compute what the task graphs do: %s, %j shared, %i tasks',
    async (wiring, counts, tasks) => {
      for (const { served, alone } of await bothWays(await zipped(wiring, counts, tasks))) {
        expect(alone.length).toBeGreaterThan(0);
        expect(largestGap(served, alone)).toBeLessThan(1e-6);
      }
    },
  );

  test('with everything shared, the one tap is the last shared activation and heads are their last layer', async () => {
    for (const wiring of wirings) {
      const { trunk, heads } = servingGraphs(await zipped(wiring, [4, 5, 7]));
      expect(trunk?.outputs).toEqual([{ name: 'Relu7.digit+fashion', dtype: 'float32', dims: ['N', 7] }]);
      for (const { graph } of heads) {
        expect(graph.nodes.map(({ op }) => op)).toEqual(['Gemm', 'Identity']);
        expect(graph.inputs).toEqual(trunk?.outputs);
      }
    }
  });

  test('a prefix is tapped where it ends', async () => {
    const { trunk, heads } = servingGraphs(await zipped('prefix', [4, 5, 0]));
    expect(trunk?.outputs).toEqual([{ name: 'Flatten5.digit+fashion', dtype: 'float32', dims: ['N', 45] }]);
    expect(heads.map(({ graph }) => graph.inputs.map(({ name }) => name))).toEqual([
      ['Flatten5.digit+fashion'],
      ['Flatten5.digit+fashion'],
    ]);
  });

  test('one-way, the shared part of every layer is in the trunk', async () => {
    const { trunk, heads } = servingGraphs(await zipped('one-way', [2, 3, 4]));
    expect(trunk?.outputs.map(({ name }) => name)).toEqual([
      'MaxPool2.digit+fashion',
      'Flatten5.digit+fashion',
      'Relu7.digit+fashion',
    ]);
    expect(trunk?.outputs[0]?.dims).toEqual(['N', 2, 6, 6]);
    for (const { graph } of heads)
      expect(graph.inputs.map(({ name }) => name).sort()).toEqual([
        'Flatten5.digit+fashion',
        'MaxPool2.digit+fashion',
        'Relu7.digit+fashion',
        'image',
      ]);
  });

  test('crossed, the trunk ends below the first layer that is not wholly shared', async () => {
    const { trunk, heads } = servingGraphs(await zipped('crossed', [4, 3, 4]));
    expect(trunk?.outputs.map(({ name }) => name)).toEqual([
      'MaxPool2.digit+fashion',
      'Flatten5.digit+fashion',
    ]);
    // The weights of shared channels on shared ones are in both heads, under one name and with one value.
    const [digit, fashion] = heads.map(({ graph }) => graph.initializers);
    const name = 'fc1.digit+fashion.weight';
    expect(digit?.get(name)).toBeDefined();
    expect(digit?.get(name)).toEqual(fashion?.get(name));
  });

  test('nothing shared, or one task alone, has no trunk', async () => {
    expect(servingGraphs(await zipped('crossed', [0, 0, 0])).trunk).toBeNull();
    const { trunk, heads } = servingGraphs(joined([convNet(1)], 'one-way'));
    expect(trunk).toBeNull();
    expect(heads.map(({ graph }) => graph.inputs.map(({ name }) => name))).toEqual([['image']]);
  });

  test('one-way, trunk and heads together do less work than the nets apart, and hold every weight once', async () => {
    const network = await zipped('one-way', [2, 3, 4]);
    const { trunk, heads } = servingGraphs(network);
    const sum = (count: typeof countMacs): number =>
      [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)].reduce(
        (total, graph) => total + count(graph),
        0,
      );
    expect(sum(countMacs)).toBeLessThan(countMacs(convNet(1)) + countMacs(convNet(2)));
    expect(sum(countParameters)).toBe(countParameters(jointGraph(network)));
    expect(sum(countParameters)).toBeLessThan(2 * countParameters(convNet(1)));
  });
});

describe('jointGraph', () => {
  test.each(cases)(
    'jointGraph() answers each task from its own input: %s, %j shared, %i tasks',
    async (wiring, counts, tasks) => {
      const network = await zipped(wiring, counts, tasks);
      const feeds = Object.fromEntries(
        network.tasks.map((task, index) => [`image.${task}`, randomInput([2, ...convInput], index)]),
      );
      for (const isJoined of [false, true]) {
        const outputs = await outputsOf(jointGraph(network, { joined: isJoined }), feeds);
        for (const task of network.tasks) {
          const output = outputs[task];
          const feed = feeds[`image.${task}`];
          if (output?.dtype !== 'float32' || !feed) throw new Error('no output');
          expect(largestGap(output.data, await answerOf(taskGraph(network, task), feed))).toBeLessThan(1e-6);
        }
      }
    },
  );

  test.each(['one-way', 'crossed'] as const)(
    'jointGraph(), joined, has one operator a layer and task, and the same weights (%s)',
    async (wiring) => {
      const network = await zipped(wiring, [2, 3, 4]);
      const layers = (options: object): number =>
        jointGraph(network, options).nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm').length;
      const own = convNet(1).nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm').length;
      expect(layers({ joined: true })).toBe(2 * own);
      expect(layers({})).toBeGreaterThan(2 * own);
      const { initializers } = jointGraph(network);
      const together = jointGraph(network, { joined: true }).initializers;
      for (const name of parameterNames(network)) expect(together.get(name)).toEqual(initializers.get(name));
    },
  );
});

describe('taskGraph', () => {
  test('taskGraph() holds only the weights that its task uses', async () => {
    const names = [...taskGraph(await zipped('one-way', [2, 3, 4]), 'digit').initializers.keys()];
    expect(names.some((name) => name.includes('.fashion.'))).toBe(false);
    expect(names).toContain('conv1.digit+fashion.weight');
    expect(names).toContain('conv2.digit.weight');
  });

  test('taskGraph() refuses a task that the network does not have', () => {
    expect(() => taskGraph(joined([denseNet(1)], 'crossed'), 'letter')).toThrow(
      'Cannot find task "letter": the network has digit',
    );
  });
});
