import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, wirings, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { countMacs } from '../../../gpu-runner/mtz/count.ts';
import { joinSources } from '../../../gpu-runner/mtz/joinSources.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { parameterNames } from '../../../gpu-runner/mtz/parameters.ts';
import { planByHand } from '../../../gpu-runner/mtz/plan.ts';
import { planSize, tailsSize } from '../../../gpu-runner/mtz/planSize.ts';
import { groupsInOrder } from '../../../gpu-runner/mtz/survey.ts';
import { jointGraph, servingGraphs, taskGraph, taskInput } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type Zipped } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, outputsOf, randomInput } from './nets.ts';
import { everyNet } from './nets/all.ts';
import { densenet } from './nets/densenet.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { resnet } from './nets/resnet.ts';

const options = { provider: 'cpu' } as const;

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'crossed',
    damping: 1e-7,
    gramSamples: 60,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    ...asked,
  });

function samples(dims: readonly number[], seed: number, size = 60): Dataset {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, () => random.integer(3));
  const inputs = randomInput([size, ...dims], seed).data;
  return memoryDataset({ sampleDims: dims, classes: 3, labels, inputs });
}

const dimsOf = (graph: Graph): number[] => (graph.inputs[0]?.dims.slice(1) ?? []).map(Number);

const source = (task: string, graph: Graph, seed: number): Source => ({
  task,
  graph,
  train: samples(dimsOf(graph), seed),
});

/** Answers of all tasks on one input from the trunk and the heads, each task's own graph, and both joint ones. */
async function fourWays(
  network: Network,
): Promise<Record<'served' | 'alone' | 'joint' | 'joined', Float32Array>[]> {
  const { input } = network.topology;
  const x = randomInput([3, ...input.dims], 5);
  const { trunk, heads } = servingGraphs(network);
  const taps = trunk ? await outputsOf(trunk, { [input.name]: x }) : {};
  const known: Record<string, Tensor> = { ...taps, [input.name]: x };
  const inputs = Object.fromEntries(network.tasks.map((task) => [taskInput(network, task), x]));
  const joint = await outputsOf(jointGraph(network), inputs);
  const joined = await outputsOf(jointGraph(network, { joined: true }), inputs);
  return Promise.all(
    heads.map(async ({ task, graph }) => {
      const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, known[name] ?? x]));
      const [served] = Object.values(await outputsOf(graph, feeds));
      const floats = (tensor: Tensor | undefined): Float32Array => {
        if (tensor?.dtype !== 'float32') throw new Error('no output');
        return tensor.data;
      };
      return {
        served: floats(served),
        alone: await answerOf(taskGraph(network, task), x),
        joint: floats(joint[task]),
        joined: floats(joined[task]),
      };
    }),
  );
}

/** Checks that all graphs of a network answer alike, and that its size is what was planned. */
async function expectAgreement({ network, plan }: Zipped): Promise<void> {
  expect(plan.plan.size).toBeGreaterThan(0);
  for (const { served, alone, joint, joined } of await fourWays(network)) {
    expect(alone.length).toBeGreaterThan(0);
    expect(largestGap(served, alone)).toBeLessThan(1e-4);
    expect(largestGap(joint, alone)).toBeLessThan(1e-4);
    expect(largestGap(joined, alone)).toBeLessThan(1e-4);
  }
  // Nobody counts what an LSTM multiplies.
  if (network.tails.some((tail) => tail?.graph.nodes.some(({ op }) => op === 'LSTM'))) return;
  const { trunk, heads } = servingGraphs(network);
  const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
  const macs = graphs.reduce((sum, graph) => sum + countMacs(graph), 0);
  expect(planSize(network, plan.plan).macs).toBe(macs);
  const { initializers } = jointGraph(network);
  // What nothing reads is neither planned nor in a graph.
  const stored = parameterNames(network).map((name) => initializers.get(name)?.data.length ?? 0);
  const inTails = tailsSize(network).parameters;
  expect(stored.reduce((sum, length) => sum + length, inTails)).toBe(planSize(network, plan.plan).parameters);
}

/** The first half of the groups, or as many of them as a prefix can share without the rest; all where it can share none. */
function beginningOf(sources: readonly Source[]): Record<string, { share: number }> {
  const { network } = joinSources(sources, recipeOf({ wiring: 'prefix' }));
  const names = [...groupsInOrder(network)]
    .map((group) => network.topology.groups[group])
    .flatMap((group) => (group?.pinned === null ? [group.name] : []));
  const half = Math.ceil(names.length / 2);
  for (const count of [...Array.from({ length: half }, (_, k) => half - k), names.length]) {
    const share = Object.fromEntries(names.slice(0, count).map((name) => [name, { share: 1 }]));
    try {
      planByHand(network, share);
      return share;
    } catch {
      // A layer among them reads one that is not.
    }
  }
  throw new Error('no prefix');
}

describe.each(Object.entries(everyNet))('zip of %s', (_, net) => {
  const [first, second] = [net(1), net(2)];
  const pair = [source('digit', first, 11), source('fashion', second, 12)];
  const input = randomInput([3, ...dimsOf(first)], 99);

  test.each(wirings)('sharing nothing changes no output (%s)', async (wiring) => {
    const { network } = await zip(pair, recipeOf({ wiring, share: { share: 0 } }), options);
    for (const { task, graph } of pair) {
      const gap = largestGap(await answerOf(taskGraph(network, task), input), await answerOf(graph, input));
      expect(gap).toBeLessThan(1e-4);
    }
  });

  test.each(['one-way', 'crossed'] as const)(
    'a net zipped with itself changes no output and costs nothing (%s)',
    async (wiring) => {
      const same = [source('digit', first, 11), source('fashion', first, 12)];
      const { network, sharing } = await zip(same, recipeOf({ wiring }), options);
      const expected = await answerOf(first, input);
      for (const { cost, channels } of sharing) {
        expect(cost).toBeLessThan(1e-6);
        expect(channels.length).toBeGreaterThan(0);
      }
      for (const task of ['digit', 'fashion'])
        expect(largestGap(await answerOf(taskGraph(network, task), input), expected)).toBeLessThan(1e-3);
    },
  );

  test.each(['one-way', 'crossed'] as const)(
    'trunk and heads, task graphs and the joint graph agree on half of the channels (%s)',
    async (wiring) => {
      const zipped = await zip(pair, recipeOf({ wiring, share: { share: 0.5 } }), options);
      await expectAgreement(zipped);
    },
  );

  test('trunk and heads, task graphs and the joint graph agree on the first layers (prefix)', async () => {
    const share = beginningOf(pair);
    const zipped = await zip(pair, recipeOf({ wiring: 'prefix', share }), options);
    expect(zipped.sharing.map(({ layer }) => layer)).toEqual(Object.keys(share));
    for (const { widths, channels } of zipped.sharing)
      expect(Object.values(widths)).toEqual([channels.length, channels.length]);
    await expectAgreement(zipped);
  });
});

describe.each<[string, Graph, Graph]>([
  ['ResNets', resnet({ seed: 1 }), resnet({ seed: 2, channels: [5, 4] })],
  [
    'MobileNets',
    mobilenet({ seed: 1, gate: 'conv', channels: [4, 4] }),
    mobilenet({ seed: 2, gate: 'conv', channels: [3, 3] }),
  ],
  ['DenseNets', densenet({ seed: 1 }), densenet({ seed: 2, first: 3, growth: 4 })],
])('zip of %s of different widths', (_, narrow, wide) => {
  const pair = [source('digit', narrow, 11), source('fashion', wide, 12)];
  const input = randomInput([3, ...dimsOf(narrow)], 99);

  test('sharing nothing changes no output', async () => {
    const { network } = await zip(pair, recipeOf({ share: { share: 0 } }), options);
    for (const { task, graph } of pair) {
      const gap = largestGap(await answerOf(taskGraph(network, task), input), await answerOf(graph, input));
      expect(gap).toBeLessThan(1e-4);
    }
  });

  test.each(['one-way', 'crossed'] as const)(
    'as many channels are shared as the narrower has, and all graphs agree (%s)',
    async (wiring) => {
      const zipped = await zip(pair, recipeOf({ wiring }), options);
      const widths = zipped.sharing.map((record) => Object.values(record.widths));
      expect(widths.some(([one, other]) => one !== other)).toBe(true);
      expect(zipped.sharing.map(({ channels }) => channels.length)).toEqual(
        widths.map((each) => Math.min(...each)),
      );
      await expectAgreement(zipped);
    },
  );
});
