import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, wirings, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { countMacs } from '../../../gpu-runner/mtz/count.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { parameterNames } from '../../../gpu-runner/mtz/parameters.ts';
import { planSize } from '../../../gpu-runner/mtz/planSize.ts';
import { jointGraph, servingGraphs, taskGraph, taskInput } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, outputsOf, randomInput } from './nets.ts';
import { everyNet } from './nets/all.ts';

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
      const { network, plan } = await zip(pair, recipeOf({ wiring, share: { share: 0.5 } }), options);
      expect(plan.plan.size).toBeGreaterThan(0);
      for (const { served, alone, joint, joined } of await fourWays(network)) {
        expect(alone.length).toBeGreaterThan(0);
        expect(largestGap(served, alone)).toBeLessThan(1e-4);
        expect(largestGap(joint, alone)).toBeLessThan(1e-4);
        expect(largestGap(joined, alone)).toBeLessThan(1e-4);
      }
      if (network.tails.every((tail) => tail === null)) {
        const { trunk, heads } = servingGraphs(network);
        const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
        const macs = graphs.reduce((sum, graph) => sum + countMacs(graph), 0);
        expect(planSize(network, plan.plan).macs).toBe(macs);
        const { initializers } = jointGraph(network);
        const stored = parameterNames(network).map((name) => initializers.get(name)?.data.length ?? NaN);
        expect(stored.reduce((sum, length) => sum + length, 0)).toBe(planSize(network, plan.plan).parameters);
      }
    },
  );
});
