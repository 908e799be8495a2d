import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { joined, type Pieces } from '../../../gpu-runner/engine/pieces.ts';
import { accuracyOf } from '../../../gpu-runner/mtz/evaluate.ts';
import { extend } from '../../../gpu-runner/mtz/extend.ts';
import { joinSources } from '../../../gpu-runner/mtz/joinSources.ts';
import { Measurements, measureTasks } from '../../../gpu-runner/mtz/measurements.ts';
import { pairGroup, producersOf } from '../../../gpu-runner/mtz/pairing.ts';
import { planByHand } from '../../../gpu-runner/mtz/plan.ts';
import { planSize } from '../../../gpu-runner/mtz/planSize.ts';
import type { StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { formAll, pairAll } from '../../../gpu-runner/mtz/survey.ts';
import { servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type Zipped, type ZipProgress } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { denseNet } from './nets.ts';
import { groupNamed } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { resnet } from './nets/resnet.ts';
import { labelledBy, taught } from './taught.ts';

const options = { provider: 'cpu' } as const;
const none = { stepsPerLayer: 0, finalSteps: 0, batchSize: 16, learningRate: 0.05, distillation: 1 };

/** Nothing makes up for what sharing costs, so that floors break. */
const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({ wiring: 'one-way', gramSamples: 50, refit: false, retraining: none, ...asked });

const residual = (seed: number): Graph => resnet({ seed, input: [2, 4, 4], channels: [3], norm: false });
const gated = (seed: number): Graph =>
  mobilenet({ seed, input: [2, 4, 4], channels: [2], strides: [1], gate: 'conv', norm: false });

/** A residual stream that is read together with channels beside it. */
function joining(seed: number): Graph {
  const net = new NetBuilder('joining', seed);
  const image = net.input([2, 4, 4]);
  const stream = net.relu(net.conv('stream', image, 3));
  const beside = net.relu(net.conv('beside', image, 3));
  const both = net.relu(net.conv('both', net.concat([stream, beside]), 3));
  const sum = net.relu(net.both('Add', net.conv('back', both, 3), stream));
  return net.end(net.dense('fc', net.flatten(net.globalPool(sum)), 3));
}

const pairOf = async (net: (netSeed: number) => Graph, seed: number): Promise<Source[]> => [
  await taught('digit', net(seed), 1),
  await taught('fashion', net(seed + 1), 2),
];

/** A floor that sharing holds after some layers and not after the next. */
async function dropThatBreaksAt(
  zipAll: (recipe: Recipe) => Promise<Zipped>,
  recipe: Recipe,
  layer: string,
): Promise<number> {
  const { accuracies } = await zipAll(recipe);
  const worst = accuracies.map(({ accuracy }) => Math.min(...Object.values(accuracy)));
  const at = accuracies.findIndex((each) => each.layer === layer);
  const floor = Math.min(...worst.slice(0, at));
  expect(worst[at]).toBeLessThan(floor);
  return 1 - floor;
}

async function leastAccuracy({ network }: Zipped, sources: readonly Source[]): Promise<number> {
  const found: number[] = [];
  for (const { task, validation } of sources)
    if (validation) found.push(await accuracyOf(taskGraph(network, task), validation, options));
  return Math.min(...found);
}

/** What events say that each group shares in the end, where they name it. */
const toldOf = ({ floorEvents }: Zipped): Map<string, number> =>
  new Map(
    floorEvents.flatMap(({ group, to, orphans }): [string, number][] => [
      [group, to],
      ...orphans.map((orphan): [string, number] => [orphan.group, 0]),
    ]),
  );

const sharedIn = ({ sharing }: Zipped): Record<string, number> =>
  Object.fromEntries(sharing.map(({ layer, channels }) => [layer, channels.length]));

describe('a floor that breaks where a group is formed already', () => {
  test.each([
    ['a residual net', 'one-way', residual, 1, 'layer1.0.conv2', {}],
    ['a residual net', 'crossed', residual, 1, 'layer1.0.conv2', { 'layer1.0.conv1': 3 }],
    ['a net with a gate', 'one-way', gated, 13, 'features.0.se.fc2', {}],
    [
      'a net with a gate',
      'crossed',
      gated,
      13,
      'features.0.se.fc2',
      { 'stem.0': 2, 'features.0.0.0': 2, 'features.0.se.fc1': 2 },
    ],
    ['a net that joins streams', 'one-way', joining, 3, 'back', { beside: 3 }],
  ] as const)(
    '%s ends with its floor held and says what it gave up, wherever it was stopped (%s)',
    async (_, wiring, net, seed, layer, left) => {
      const sources = await pairOf(net, seed);
      const zipAll = (asked: Recipe): Promise<Zipped> => zip(sources, asked, options);
      const maxDrop = await dropThatBreaksAt(zipAll, recipeOf({ wiring }), layer);
      const recipe = recipeOf({ wiring, floors: { maxDrop } });
      const saved: Pieces[] = [];
      const save = (pieces: Pieces): void => void saved.push([joined(pieces)]);
      const held = await zip(sources, recipe, { ...options, checkpoint: { save } });
      expect(await leastAccuracy(held, sources)).toBeGreaterThanOrEqual(1 - maxDrop - 1e-9);
      servingGraphs(held.network);
      expect(held.floorEvents[0]?.layer).toBe(layer);
      expect(sharedIn(held)).toEqual(left);
      for (const [group, to] of toldOf(held)) expect(sharedIn(held)[group] ?? 0).toBe(to);
      for (const { floors, accuracy } of held.floorEvents)
        for (const [task, floor] of Object.entries(floors)) expect(accuracy[task]).toBeLessThan(floor);
      // Those of small nets all, those of large ones now and then.
      for (const from of saved.filter((_, at) => at % (net === gated ? 3 : 1) === 0)) {
        const resumed = await zip(sources, recipe, { ...options, checkpoint: { from } });
        expect(resumed.network).toEqual(held.network);
        expect(resumed.floorEvents).toEqual(held.floorEvents);
        expect(resumed.sharing).toEqual(held.sharing);
      }
    },
  );

  test('networks that share nothing in the end are what they were, whatever retraining did to them', async () => {
    const sources = await pairOf(residual, 1);
    const retraining = { ...none, stepsPerLayer: 2, learningRate: 1e-3 };
    const share = { share: 1 };
    const free = await zip(sources, recipeOf({ retraining, share }), options);
    const at = free.accuracies.map(({ accuracy }) => Math.min(...Object.values(accuracy)));
    const floors = { maxDrop: 1 - Math.max(...at) - 0.02 };
    const saved: Pieces[] = [];
    const save = (pieces: Pieces): void => void saved.push([joined(pieces)]);
    const recipe = recipeOf({ retraining, floors });
    const held = await zip(sources, recipe, { ...options, checkpoint: { save, everySteps: 1 } });
    expect(held.sharing).toEqual([]);
    expect(held.network.rows).toEqual(joinSources(sources, recipe).network.rows);
    const resumed = await zip(sources, recipe, { ...options, checkpoint: { from: saved[3], everySteps: 1 } });
    expect(resumed.network).toEqual(held.network);
    expect(resumed.retrainingSteps).toBe(held.retrainingSteps);
  });

  test('the dearest pairs are given up, not the last', async () => {
    const sources = await pairOf(residual, 9);
    const recipe = recipeOf({ wiring: 'crossed' });
    const zipAll = (asked: Recipe): Promise<Zipped> => zip(sources, asked, options);
    const maxDrop = await dropThatBreaksAt(zipAll, recipe, 'layer1.0.conv2');
    const held = await zipAll({ ...recipe, floors: { maxDrop } });
    expect(held.floorEvents.map(({ group, from, to }) => [group, from, to])).toEqual([['conv1', 3, 1]]);

    const { network } = joinSources(sources, recipe);
    const plan = planByHand(network, recipe.share);
    const context = { sources, recipe, ...options };
    const countOf = (group: number): number => plan.get(group) ?? 0;
    const hints = await pairAll(network, new Measurements(network, context), recipe, countOf);
    const group = groupNamed(network, 'conv1');
    const grams = new Map<string, StepGram[]>();
    for (const step of producersOf(network, group))
      grams.set(step.name, await measureTasks(network, step, context));
    const among = formAll(network, hints, new Set([group]));
    const { costs, formings } = await pairGroup(among, group, { ...recipe, count: 3, grams });
    const [cheapest] = [...costs.keys()].sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
    expect(cheapest).not.toBe(0);
    const pair = formings[0]?.pairs[cheapest ?? -1];
    expect(held.sharing.find(({ layer }) => layer === 'conv1')?.channels).toEqual([
      { digit: pair?.a, fashion: pair?.b },
    ]);
  });

  test.each([
    ['in part', 9, [1, 2, 2]],
    ['wholly', 15, [0, 3, 3]],
  ])(
    'a bundle that a network is added to goes on sharing what its tasks shared (given up %s)',
    async (_, seed, [ofAll, ofPair, alone]) => {
      const pair = await pairOf(residual, 1);
      const recipe = recipeOf();
      const zipped = await zip(pair, recipe, options);
      const { trunk, heads } = servingGraphs(zipped.network);
      const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
      const weights = new Map(graphs.flatMap(({ initializers }) => [...initializers]));
      // What the bundle answers is right.
      const known: Source[] = [];
      for (const [index, source] of pair.entries()) {
        const labelled = await labelledBy(taskGraph(zipped.network, source.task), index + 1);
        known.push({ ...source, train: labelled, validation: labelled });
      }
      const added = await taught('letter', residual(seed), 3);
      const before = { sources: known, recipe, sharing: zipped.sharing, weights };
      const zipAll = (asked: Recipe): Promise<Zipped> => extend(before, added, asked, options);
      const maxDrop = await dropThatBreaksAt(zipAll, recipe, 'layer1.0.conv2');
      const held = await zipAll(recipeOf({ floors: { maxDrop } }));
      expect(await leastAccuracy(held, [...known, added])).toBeGreaterThanOrEqual(1 - maxDrop - 1e-9);
      expect(held.floorEvents[0]).toMatchObject({ layer: 'layer1.0.conv2', group: 'conv1', from: 3, to: 1 });
      const widths = Object.fromEntries(
        (held.network.groups[groupNamed(held.network, 'conv1')] ?? []).map(({ tasks, sources }) => [
          tasks,
          sources.length,
        ]),
      );
      expect(widths).toEqual({ ...(ofAll && { 7: ofAll }), 3: ofPair, 4: alone });
      const record = held.sharing.find(({ layer }) => layer === 'conv1');
      const shared = record?.channels.map((channel) => Object.keys(channel).length);
      expect(shared).toEqual([...Array<number>(ofAll ?? 0).fill(3), ...Array<number>(ofPair ?? 0).fill(2)]);
    },
  );
});

describe('floors', () => {
  test('a floor above what its own network has is refused before any work', async () => {
    const [digit, fashion] = await pairOf(denseNet, 1);
    if (!digit?.validation || !fashion) throw new Error('there are two sources');
    const { sampleDims, labels } = digit.validation;
    const all = Uint32Array.from(labels.keys());
    const wrong = Int32Array.from(labels, (label, at) => (at < 3 ? (label + 1) % 3 : label));
    const inputs = digit.validation.inputs(all);
    const validation = memoryDataset({ sampleDims, classes: 3, labels: wrong, inputs });
    const sources = [{ ...digit, validation }, fashion];
    const events: ZipProgress[] = [];
    const onProgress = (event: ZipProgress): void => void events.push(event);
    const asked = recipeOf({ floors: { accuracy: { digit: 0.99 }, maxDrop: 0 } });
    await expect(zip(sources, asked, { ...options, onProgress })).rejects.toThrow(
      'Cannot hold the floor 99 % of "digit": its own network has 95 %; lower the floor, or say by "maxDrop" how much less it may have',
    );
    expect(events).toEqual([]);
    const share = { fc1: { count: 1 } };
    for (const floors of [{ accuracy: { digit: 0.95 } }, { maxDrop: 0 }, { maxDrop: 1 }])
      expect((await zip(sources, recipeOf({ share, floors }), options)).accuracies.length).toBeLessThan(2);
  });

  test('a prefix that breaks one says that the group shares none, and which others with it', async () => {
    const sources = await pairOf(denseNet, 3);
    const recipe = recipeOf({ wiring: 'prefix' });
    const free = await zip(sources, recipe, options);
    const first = Math.min(...Object.values(free.accuracies[0]?.accuracy ?? {}));
    const floors = { maxDrop: 1 - first - 0.01 };
    const { floorEvents, sharing } = await zip(sources, { ...recipe, floors }, options);
    expect(floorEvents.map(({ group, from, to, orphans }) => ({ group, from, to, orphans }))).toEqual([
      { group: 'fc1', from: 8, to: 0, orphans: [{ group: 'fc2', from: 6 }] },
    ]);
    expect(sharing).toEqual([]);
  });

  test('a budget that floors give up is told with what they keep', async () => {
    const sources = await pairOf(denseNet, 1);
    const budget = { of: 'parameters' as const, atMost: 0.75 };
    const kept = await zip(sources, recipeOf({ budget }), options);
    expect(kept.notes).toEqual([]);
    const held = await zip(sources, recipeOf({ budget, floors: { maxDrop: 0 } }), options);
    const { network } = joinSources(sources, recipeOf());
    const left = new Map(
      Object.entries(sharedIn(held)).map(([name, count]) => [groupNamed(network, name), count]),
    );
    const share = planSize(network, left).parameters / held.plan.separate.parameters;
    expect(share).toBeGreaterThan(0.75);
    expect(held.notes).toEqual([
      `Floors keep ${(100 * share).toFixed(1)} % of the parameters where the budget asked for 75.0 %`,
    ]);
  });
});
