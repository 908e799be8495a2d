import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { extend, reopen, type ZippedBefore } from '../../../gpu-runner/mtz/extend.ts';
import { label } from '../../../gpu-runner/mtz/taskSet.ts';
import { servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type Zipped } from '../../../gpu-runner/mtz/zip.ts';
import { ints, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { randomSamples } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { lenet } from './nets/lenet.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { resnet } from './nets/resnet.ts';
import { severalFilters } from './nets/severalFilters.ts';

const options = { provider: 'cpu' } as const;

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    gramSamples: 60,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    ...asked,
  });

const families: readonly (readonly [string, (seed: number) => Graph])[] = [
  ['LeNet', (seed) => lenet({ seed })],
  ['ResNet', (seed) => resnet({ seed, blocks: 2 })],
  ['MobileNet', (seed) => mobilenet({ seed })],
];

const dimsOf = (graph: Graph): number[] => (graph.inputs[0]?.dims.slice(1) ?? []).map(Number);

const source = (task: string, graph: Graph, seed: number): Source => ({
  task,
  graph,
  train: randomSamples(dimsOf(graph), 60, seed),
});

/** What a bundle's files hold. */
function weightsOf({ network }: Zipped): Map<string, Tensor> {
  const { trunk, heads } = servingGraphs(network);
  const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
  return new Map(graphs.flatMap(({ initializers }) => [...initializers]));
}

describe.each(families)('a zipped %s', (_, net) => {
  const pair = [source('digit', net(1), 11), source('fashion', net(2), 12)];
  const input = randomInput([3, ...dimsOf(net(1))], 99);

  test.each<[string, Partial<RecipeInput>]>([
    ['one-way', { share: { share: 0.6 } }],
    ['crossed', { wiring: 'crossed', share: { share: 0.6 } }],
    ['wholly shared', {}],
  ])('reopen() gives the same network from the record and the weights (%s)', async (_name, asked) => {
    const recipe = recipeOf(asked);
    const zipped = await zip(pair, recipe, options);
    const { network } = reopen({
      ...{ sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) },
    });
    for (const { task } of pair) {
      const [again, before] = [taskGraph(network, task), taskGraph(zipped.network, task)];
      expect(largestGap(await answerOf(again, input), await answerOf(before, input))).toBe(0);
    }
  });

  test('extend() with a copy of a task that is there shares its channels and changes no answer', async () => {
    const recipe = recipeOf();
    const zipped = await zip(pair, recipe, options);
    // What the zipped network itself answers for digit, as a network: a third task that fits it exactly.
    const copy = source('letter', taskGraph(zipped.network, 'digit'), 13);
    const before = { sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) };
    const three = await extend(before, copy, recipe, options);
    expect(three.network.tasks).toEqual(['digit', 'fashion', 'letter']);
    for (const { cost, channels } of three.sharing) {
      expect(cost).toBeLessThan(1e-5);
      expect(Object.keys(channels[0] ?? {}).sort()).toEqual(['digit', 'fashion', 'letter']);
    }
    for (const [task, was] of [
      ['digit', 'digit'],
      ['fashion', 'fashion'],
      ['letter', 'digit'],
    ] as const) {
      const now = await answerOf(taskGraph(three.network, task), input);
      expect(largestGap(now, await answerOf(taskGraph(zipped.network, was), input))).toBeLessThan(1e-3);
    }
    const trunks = [zipped, three].map(({ network }) => servingGraphs(network).trunk?.nodes.length);
    expect(trunks[1]).toBe(trunks[0]);
  });
});

describe('extend', () => {
  const pair = [source('digit', lenet({ seed: 1 }), 11), source('fashion', lenet({ seed: 2 }), 12)];

  test('extend() refuses a task that is there, another wiring, and a network with nothing in common', async () => {
    const recipe = recipeOf();
    const zipped = await zip(pair, recipe, options);
    const before = { sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) };
    await expect(extend(before, source('digit', lenet({ seed: 3 }), 3), recipe, options)).rejects.toThrow(
      'a task appears twice',
    );
    const crossed = recipeOf({ wiring: 'crossed' });
    await expect(extend(before, source('letter', lenet({ seed: 3 }), 3), crossed, options)).rejects.toThrow(
      'Cannot add "letter": the bundle is one-way, the recipe says crossed',
    );
    const strange = lenet({ seed: 3 });
    for (const node of strange.nodes.filter(({ op }) => op === 'Conv'))
      Object.assign(node.attributes, { dilations: ints([2, 2]), pads: ints([2, 2, 2, 2]) });
    await expect(extend(before, source('letter', strange, 3), recipe, options)).rejects.toThrow(
      'Cannot zip "digit" with "letter": they have no layer in common; conv "conv1" of "digit" has pads 1,1,1,1, conv "conv1" of "letter" 2,2,2,2',
    );
  });

  test('reopen() refuses a record of channels that the networks do not have', async () => {
    const recipe = recipeOf();
    const zipped = await zip(pair, recipe, options);
    const [first] = zipped.sharing;
    if (!first) throw new Error('nothing shared');
    const bad = { ...first, channels: [{ digit: 99, fashion: 0 }] };
    const before = { sources: pair, recipe, sharing: [bad], weights: weightsOf(zipped) };
    expect(() => reopen(before)).toThrow(`Cannot restore ${first.layer}: "digit" has no channel 99`);
  });
});

test('reopen() restores a network of three of which two share more channels than the third', async () => {
  const recipe = recipeOf({ share: { share: 0.75 } });
  const pair = [source('digit', lenet({ seed: 1 }), 11), source('fashion', lenet({ seed: 2 }), 12)];
  const letter = source('letter', lenet({ seed: 3 }), 13);
  const zipped = await zip(pair, recipe, options);
  const before = { sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) };
  const less = recipeOf({ share: { share: 0.25 } });
  const three = await extend(before, letter, less, options);
  const counts = three.sharing.map(({ channels }) => channels.map((channel) => Object.keys(channel).length));
  // Of 4, 6 and 10 channels: 3, 5 and 8 among two, of which 1, 2 and 3 among all.
  expect(counts.map((each) => [each.length, each.filter((tasks) => tasks === 3).length])).toEqual([
    [3, 1],
    [5, 2],
    [8, 3],
  ]);
  const again = reopen({
    ...{ sources: [...pair, letter], recipe: less, sharing: three.sharing, weights: weightsOf(three) },
  });
  const input = randomInput([3, 1, 12, 12], 5);
  for (const { task } of [...pair, letter]) {
    const [now, was] = [taskGraph(again.network, task), taskGraph(three.network, task)];
    expect(largestGap(await answerOf(now, input), await answerOf(was, input))).toBe(0);
  }
});

test('reopen() and extend() know a network whose depthwise convolutions have several filters a channel', async () => {
  const recipe = recipeOf({ share: { share: 0.6 } });
  const sources = ['digit', 'fashion', 'letter'].map((task, index) =>
    source(task, severalFilters({ seed: index + 1 }), 11 + index),
  );
  const [digit, fashion, letter] = sources;
  if (!digit || !fashion || !letter) throw new Error('there are three');
  const pair = [digit, fashion];
  const zipped = await zip(pair, recipe, options);
  const before = { sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) };
  const three = await extend(before, letter, recipe, options);
  expect(three.sharing.map(({ layer, widths }) => [layer, widths['letter']])).toEqual([
    ['conv1', 4],
    ['point', 5],
  ]);
  const again = reopen({ sources, recipe, sharing: three.sharing, weights: weightsOf(three) });
  const input = randomInput([3, 3, 6, 6], 5);
  for (const { task } of sources) {
    const [now, was] = [taskGraph(again.network, task), taskGraph(three.network, task)];
    expect(largestGap(await answerOf(now, input), await answerOf(was, input))).toBe(0);
  }
});

describe('what the others share', () => {
  const pair = [source('digit', lenet({ seed: 1 }), 11), source('fashion', lenet({ seed: 2 }), 12)];
  const letter = source('letter', lenet({ seed: 3 }), 13);
  const zipBefore = async (recipe: Recipe): Promise<ZippedBefore> => {
    const zipped = await zip(pair, recipe, options);
    return { sources: pair, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) };
  };
  const blocks = ({ network }: Zipped): [string, number][][] =>
    network.groups
      .slice(1)
      .map((each) =>
        each
          .map(({ tasks, sources }): [string, number] => [label(tasks, network.tasks), sources.length])
          .sort(),
      );

  test('extend() shares no more than they do: nothing where they share nothing', async () => {
    const before = await zipBefore(recipeOf({ share: { conv1: { count: 2 } } }));
    const three = await extend(before, letter, recipeOf({ share: { share: 1 } }), options);
    const alone = (count: number) => ['digit', 'fashion', 'letter'].map((task) => [task, count]);
    expect(blocks(three)).toEqual([
      [['digit+fashion+letter', 2], ...alone(2)],
      alone(6),
      alone(10),
      alone(3),
    ]);
    await expect(
      extend(before, letter, recipeOf({ share: { conv1: { count: 3 } } }), options),
    ).rejects.toThrow('Cannot share 3 channels of conv1: the tasks that are there share 2');
  });

  test('extend() that shares nothing of a group keeps the record of what they share', async () => {
    const before = await zipBefore(recipeOf({ share: { share: 0.5 } }));
    const recipe = recipeOf({ share: { share: 0 } });
    const three = await extend(before, letter, recipe, options);
    expect(three.sharing.map(({ channels }) => channels)).toEqual(
      before.sharing.map(({ channels }) => channels),
    );
    const sources = [...pair, letter];
    const again = reopen({ sources, recipe, sharing: three.sharing, weights: weightsOf(three) });
    const input = randomInput([3, 1, 12, 12], 5);
    for (const { task } of sources) {
      const [now, was] = [taskGraph(again.network, task), taskGraph(three.network, task)];
      expect(largestGap(await answerOf(now, input), await answerOf(was, input))).toBe(0);
    }
  });
});

describe('input normalisation', () => {
  /** A net that computes `scale * x + shift` first, or nothing where there is no scale. */
  const normalised = (seed: number, scale: readonly number[], pad = 0): Graph => {
    const net = new NetBuilder('net', seed);
    let x = net.input([3, 6, 6]);
    if (scale.length > 0) {
      x = net.node('Mul', [x, net.constant('scale', scale, [3, 1, 1])], x.dims);
      x = net.node('Add', [x, net.constant('shift', [0.5, -1, 2], [3, 1, 1])], x.dims);
    }
    x = net.relu(net.conv('conv2', net.relu(net.conv('conv1', x, 4, { pad })), 5));
    return net.end(net.dense('fc', net.flatten(net.globalPool(x)), 3));
  };
  const sourcesOf = (graphs: readonly Graph[]): Source[] =>
    graphs.map((graph, index) => source(['digit', 'fashion', 'letter'][index] ?? '', graph, 11 + index));

  test.each<[string, number[]]>([
    ['not normalised', []],
    ['normalised otherwise', [0.5, 3, -2]],
    ['normalised as the others', [2, 3, 4]],
  ])('extend() adds a network that is %s to two that are normalised alike', async (_, scale) => {
    const [digit, fashion, letter] = sourcesOf([
      normalised(1, [2, 3, 4]),
      normalised(2, [2, 3, 4]),
      normalised(3, scale),
    ]);
    if (!digit || !fashion || !letter) throw new Error('there are three');
    const pair = [digit, fashion];
    const still = recipeOf({
      retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 8, learningRate: 0.01 },
    });
    const zipped = await zip(pair, still, options);
    const before = { sources: pair, recipe: still, sharing: zipped.sharing, weights: weightsOf(zipped) };
    const none = await extend(before, letter, recipeOf({ share: { share: 0 } }), options);
    const input = randomInput([3, 3, 6, 6], 5);
    for (const [task, graph] of [
      ['digit', taskGraph(zipped.network, 'digit')],
      ['letter', letter.graph],
    ] as const)
      expect(
        largestGap(await answerOf(taskGraph(none.network, task), input), await answerOf(graph, input)),
      ).toBeLessThan(1e-4);
    const whole = await extend(before, letter, recipeOf(), options);
    const sources = [...pair, letter];
    const again = reopen({ sources, recipe: recipeOf(), sharing: whole.sharing, weights: weightsOf(whole) });
    for (const { task } of sources)
      expect(
        largestGap(
          await answerOf(taskGraph(again.network, task), input),
          await answerOf(taskGraph(whole.network, task), input),
        ),
      ).toBe(0);
    // All three read the normalised input that is computed once.
    const trunks = [zipped, whole].map(({ network }) => servingGraphs(network).trunk?.nodes.length);
    expect(trunks[1]).toBe(trunks[0]);
  });

  test('extend() keeps the notes on all networks, each once', async () => {
    const [digit, fashion, letter] = sourcesOf([
      normalised(1, [2, 3, 4], 1),
      normalised(2, [1, 1, 2], 1),
      normalised(3, [3, 3, 3], 1),
    ]);
    if (!digit || !fashion || !letter) throw new Error('there are three');
    const pair = [digit, fashion];
    const zipped = await zip(pair, recipeOf(), options);
    const before = { sources: pair, recipe: recipeOf(), sharing: zipped.sharing, weights: weightsOf(zipped) };
    const { notes } = await extend(before, letter, recipeOf(), options);
    expect(notes.slice(0, 2)).toEqual(zipped.notes);
    expect(notes).toHaveLength(3);
    expect(notes[2]).toContain('The input normalisation of "letter" is folded into its first layer');
  });
});
