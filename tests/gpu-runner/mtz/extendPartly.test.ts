import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { extend, reopen, type ZippedBefore } from '../../../gpu-runner/mtz/extend.ts';
import { label } from '../../../gpu-runner/mtz/taskSet.ts';
import { servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type Zipped } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { randomSamples } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { lenet } from './nets/lenet.ts';
import { resnet } from './nets/resnet.ts';

const options = { provider: 'cpu' } as const;

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    gramSamples: 40,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    ...asked,
  });

const dimsOf = (graph: Graph): number[] => (graph.inputs[0]?.dims.slice(1) ?? []).map(Number);

const source = (task: string, graph: Graph, seed: number): Source => ({
  ...{ task, graph, train: randomSamples(dimsOf(graph), 40, seed) },
  validation: randomSamples(dimsOf(graph), 12, 50 + seed),
});

/** What a bundle's files hold. */
function weightsOf({ network }: Zipped): Map<string, Tensor> {
  const { trunk, heads } = servingGraphs(network);
  const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
  return new Map(graphs.flatMap(({ initializers }) => [...initializers]));
}

const bundled = (sources: readonly Source[], recipe: Recipe, zipped: Zipped): ZippedBefore => ({
  ...{ sources, recipe, sharing: zipped.sharing, weights: weightsOf(zipped) },
});

async function gapTo(zipped: Zipped['network'], task: string, wanted: Graph): Promise<number> {
  const input = randomInput([3, ...dimsOf(wanted)], 99);
  return largestGap(await answerOf(taskGraph(zipped, task), input), await answerOf(wanted, input));
}

/** A LeNet that does something else from its second layer on. */
function bent(seed: number): Graph {
  const graph = lenet({ seed, channels: [5, 6], hidden: 7 });
  for (const node of graph.nodes.filter(({ op }) => op === 'Relu').slice(1)) node.op = 'Tanh';
  return graph;
}

/** Of one convolution less than the others, and from there on a head of its own. */
function short(seed: number): Graph {
  const net = new NetBuilder('short', seed);
  let x = net.relu(net.conv('first', net.input([1, 12, 12]), 3, { pad: 1 }));
  x = net.globalPool(net.pool('MaxPool', x, { kernel: 2 }));
  return net.end(net.dense('answer', net.flatten(x), 3));
}

const families: readonly (readonly [string, readonly Graph[], Graph, readonly string[]])[] = [
  ['LeNet with other activations', [lenet({ seed: 1 }), lenet({ seed: 2 })], bent(3), ['conv1', 'conv2']],
  ['network of one layer', [lenet({ seed: 1 }), lenet({ seed: 2 })], short(3), ['conv1']],
  [
    'ResNet of fewer blocks',
    [1, 2].map((seed) => resnet({ seed, blocks: 2, channels: [4] })),
    resnet({ seed: 3, blocks: 1, channels: [5] }),
    // Its first block adds to conv1, in a group with the second block of the others.
    ['conv1', 'layer1.0.conv1'],
  ],
];

const wirings: readonly (readonly [string, Partial<RecipeInput>])[] = [
  ['one-way', { share: { share: 0.6 } }],
  ['crossed', { wiring: 'crossed', share: { share: 0.6 } }],
  ['wholly shared', {}],
];

describe.each(families)('extend() by a %s', (_, [digit = short(1), fashion = short(2)], letter, common) => {
  const pair = [source('digit', digit, 11), source('fashion', fashion, 12)];
  const added = source('letter', letter, 13);
  const all = [...pair, added];

  test.each(wirings)('shares what is common and leaves the rest to its head (%s)', async (_name, asked) => {
    const recipe = recipeOf(asked);
    const before = bundled(pair, recipe, await zip(pair, recipe, options));
    const three = await extend(before, added, recipe, options);
    const { network, sharing, notes } = three;
    const shared = network.topology.groups
      .filter((_each, group) =>
        (network.groups[group] ?? []).some(
          ({ tasks }) => group > 0 && label(tasks, network.tasks) === 'digit+fashion+letter',
        ),
      )
      .map((each) => each.name);
    expect(shared).toEqual(common);
    // What the others share among themselves is as before.
    const pairs = (records: typeof sharing): unknown =>
      records.flatMap(({ layer, channels }) =>
        channels.length === 0
          ? []
          : [[layer, channels.map((each) => `${each['digit']} ${each['fashion']}`).sort()]],
      );
    expect(pairs(sharing)).toEqual(pairs(before.sharing));
    expect(notes.join('\n')).toMatch(
      /from there on "letter" stays in its head\. "letter" has \d of the \d+ layers/,
    );
    // The bundle's papers say enough to open it again.
    const again = reopen(bundled(all, recipe, three)).network;
    for (const { task } of all) expect(await gapTo(again, task, taskGraph(network, task))).toBe(0);
  });

  test.each(wirings.slice(0, 2))('changes no answer where it shares nothing (%s)', async (_name, asked) => {
    const recipe = recipeOf(asked);
    const zipped = await zip(pair, recipe, options);
    const none = recipeOf({ ...asked, share: { share: 0 } });
    const three = await extend(bundled(pair, recipe, zipped), added, none, options);
    for (const { task } of pair)
      expect(await gapTo(three.network, task, taskGraph(zipped.network, task))).toBe(0);
    expect(await gapTo(three.network, 'letter', letter)).toBeLessThan(1e-4);
  });

  test('retrains, refits and keeps floors with it', async () => {
    const recipe = recipeOf({
      wiring: 'crossed',
      share: { share: 0.6 },
      refit: true,
      floors: { maxDrop: 0 },
      retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 8, learningRate: 0.01 },
    });
    const before = bundled(pair, recipe, await zip(pair, recipe, options));
    const three = await extend(before, added, recipe, options);
    const again = reopen(bundled(all, recipe, three)).network;
    for (const { task } of all) expect(await gapTo(again, task, taskGraph(three.network, task))).toBe(0);
  });

  test('goes on to a fourth task, which shares what the first have in common', async () => {
    const recipe = recipeOf({ wiring: 'crossed', share: { share: 0.5 } });
    const three = await extend(
      bundled(pair, recipe, await zip(pair, recipe, options)),
      added,
      recipe,
      options,
    );
    const sign = source('sign', fashion, 14);
    const four = await extend(bundled(all, recipe, three), sign, recipe, options);
    const { network } = four;
    const sets = network.groups
      .slice(1)
      .map((blocks) =>
        label(blocks.find(({ tasks }) => tasks >= 8 && tasks !== 8)?.tasks ?? 0, network.tasks),
      );
    const names = network.topology.groups.slice(1).map(({ name }) => name);
    const last = names.at(-1);
    expect(sets).toEqual(
      names.map((name) =>
        name === last ? '' : common.includes(name) ? 'digit+fashion+letter+sign' : 'digit+fashion+sign',
      ),
    );
    const again = reopen(bundled([...all, sign], recipe, four)).network;
    for (const { task } of [...all, sign]) expect(await gapTo(again, task, taskGraph(network, task))).toBe(0);
  });
});

test('extend() shares a prefix with a network that goes on otherwise', async () => {
  const pair = [source('digit', lenet({ seed: 1 }), 11), source('fashion', lenet({ seed: 2 }), 12)];
  const letter = lenet({ seed: 3 });
  for (const node of letter.nodes.filter(({ op }) => op === 'Relu').slice(1)) node.op = 'Tanh';
  const recipe = recipeOf({ wiring: 'prefix' });
  const before = bundled(pair, recipe, await zip(pair, recipe, options));
  const three = await extend(before, source('letter', letter, 13), recipe, options);
  expect(three.sharing.map(({ layer, widths }) => [layer, widths])).toEqual([
    ['conv1', { digit: 4, fashion: 4, letter: 4 }],
    ['conv2', { digit: 6, fashion: 6, letter: 6 }],
    ['fc1', { digit: 10, fashion: 10 }],
    ['fc2', { digit: 3, fashion: 3 }],
  ]);
});
