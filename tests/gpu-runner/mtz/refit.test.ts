import { isDeepStrictEqual as isEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type Wiring } from '../../../shared/recipe.ts';
import { measureTasks } from '../../../gpu-runner/mtz/measurements.ts';
import { layersReading, refitStep } from '../../../gpu-runner/mtz/refit.ts';
import { rowsOf, weightedSteps, type Network, type WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { Missing, summedIn } from '../../../gpu-runner/mtz/missing.ts';
import { members } from '../../../gpu-runner/mtz/taskSet.ts';
import { valueAt, type Layer } from '../../../gpu-runner/mtz/topology.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import { smallSolve } from '../../../gpu-runner/linalg/smallSolve.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, convInput, convNet, denseInput, denseNet } from './nets.ts';
import { joined, randomSamples, share, stepNamed } from './networks.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { resnet } from './nets/resnet.ts';

const size = 80;

function contextOf(network: Network, damping = 1e-9) {
  const sources = network.tasks.map((task, index) => ({
    task,
    graph: taskGraph(network, task),
    train: randomSamples(network.topology.input.dims, size, 100 + index),
  }));
  const recipe = { damping, gramSamples: size, seed: 1, matching: 'optimal' } as const;
  return { sources, recipe, provider: 'cpu' } as const;
}

const layerOf = (network: Network, name: string): Layer => {
  const step = stepNamed(network, name);
  if (step.kind !== 'layer') throw new Error(`${name} is no layer`);
  return step;
};

async function refit(network: Network, untouched: Network, step: WeightedStep): Promise<Network> {
  const context = contextOf(network);
  return refitStep(network, untouched, step, await measureTasks(network, step, context), context);
}

/** What a graph makes of a task's samples. */
function answers(graph: Graph, network: Network, task: number): Promise<Float32Array> {
  const { dims } = network.topology.input;
  const data = randomSamples(dims, size, 100 + task);
  const inputs = data.inputs(Uint32Array.from({ length: size }, (_, sample) => sample));
  return answerOf(graph, { dtype: 'float32', dims: [size, ...dims], data: inputs });
}

/** Mean square of the difference of two networks' answers for a task. */
async function gap(one: Network, other: Network, task: number): Promise<number> {
  const name = one.tasks[task] ?? '';
  const [a, b] = [
    await answers(taskGraph(one, name), one, task),
    await answers(taskGraph(other, name), other, task),
  ];
  return a.reduce((sum, value, k) => sum + (value - (b[k] ?? 0)) ** 2, 0) / a.length;
}

test('layersReading() finds what reads a value, through activations, pools and sums, but not through layers', () => {
  const { topology } = joined([convNet(1), convNet(2)], 'crossed');
  const names = (output: number): string[] => layersReading(topology, output).map(({ name }) => name);
  const [conv1, conv2, fc1] = weightedSteps({ topology });
  expect(names(conv1?.output ?? -1)).toEqual([conv2?.name]);
  expect(names(conv2?.output ?? -1)).toEqual([fc1?.name]);
  const residual = joined([resnet({ seed: 1 }), resnet({ seed: 2 })], 'crossed');
  const stem = weightedSteps(residual)[0];
  // The first block's layer, and past the sum whatever reads the same stream.
  expect(layersReading(residual.topology, stem?.output ?? -1).length).toBeGreaterThan(1);
});

test('summedIn() finds the sum of which a step is the last term', () => {
  const network = joined([resnet({ seed: 1 }), resnet({ seed: 2 })], 'crossed');
  const sums = network.topology.steps.flatMap((step) =>
    step.kind === 'plain' && step.op === 'Add' ? [step.output] : [],
  );
  const found = weightedSteps(network).map((step) => summedIn(network, step));
  expect(sums.length).toBeGreaterThan(1);
  // One term of every sum is the last; all other steps put out what they are fitted to.
  expect(found.filter((value) => sums.includes(value))).toEqual(sums);
  const chain = joined([convNet(1), convNet(2)], 'crossed');
  for (const step of weightedSteps(chain)) expect(summedIn(chain, step)).toBe(step.output);
});

describe('refitStep()', () => {
  test.each([
    ['convolutions', () => joined([convNet(1), convNet(2)], 'one-way')],
    [
      'per-task normalisation',
      () => joined([resnet({ seed: 1 }), resnet({ seed: 2 })], 'crossed', 'per-task'),
    ],
    ['depthwise convolutions', () => joined([mobilenet({ seed: 1 }), mobilenet({ seed: 2 })], 'one-way')],
  ])('leaves untouched networks as they are: %s', async (_, networkOf) => {
    const network = networkOf();
    for (const step of weightedSteps(network)) {
      const fitted = await refit(network, network, step);
      const [before, after] = [rowsOf(network, step), rowsOf(fitted, step)].map((rows) =>
        rows.flatMap(({ parts }) => parts.flatMap(({ weight, bias }) => [...weight.data, ...(bias ?? [])])),
      );
      expect(after).toHaveLength(before?.length ?? -1);
      for (const [k, value] of (after ?? []).entries()) expect(value).toBeCloseTo(before?.[k] ?? NaN, 3);
    }
  });

  test.each([
    ['a batch normalisation that every task keeps', 'per-task', 'bn'],
    ['a layer', 'per-task', 'layer'],
    ['the last layer of a sum', 'fold', 'layer'],
  ] as const)('leaves nothing that could be fitted at %s', async (_, batchNorm, kind) => {
    const untouched = joined([resnet({ seed: 1 }), resnet({ seed: 2 })], 'crossed', batchNorm);
    const [stem] = weightedSteps(untouched);
    const group = valueAt(untouched.topology, stem?.output ?? -1).segments[0]?.group ?? -1;
    const merged = await share(untouched, untouched.topology.groups[group]?.name ?? '', 3);
    const isApart = (network: Network, step: WeightedStep): boolean =>
      rowsOf(network, step).every(({ parts }) => parts.every(({ use }) => members(use).length === 1));
    const isSum = (step: WeightedStep): boolean => summedIn(merged, step) !== step.output;
    const step = weightedSteps(merged).find(
      (each) =>
        isApart(merged, each) &&
        (kind === 'bn' ? each.kind === 'channelwise' : each.kind === 'layer') &&
        (batchNorm === 'per-task' || isSum(each)),
    );
    if (!step) throw new Error('the network has no such step');
    const fitted = await refit(merged, untouched, step);
    const { sources } = contextOf(merged);
    const samples = Uint32Array.from({ length: size }, (__, sample) => sample);
    /** What of a step's inputs goes with what its outputs lack: none at the least squares. */
    const correlation = async (network: Network, task: number): Promise<number> => {
      const data = sources[task]?.train;
      if (!data) throw new Error(`no samples of task ${task}`);
      const missing = new Missing(network, untouched, step, task, data, { samples, provider: 'cpu' });
      const moments = await (step.kind === 'channelwise' ? missing.channelMoments() : missing.moment());
      return Math.hypot(...moments.data);
    };
    for (const task of merged.tasks.keys()) {
      const before = await correlation(merged, task);
      expect(before).toBeGreaterThan(1e-3);
      expect(await correlation(fitted, task)).toBeLessThan(1e-3 * before);
    }
  });

  test('gives a layer what least squares by hand gives', async () => {
    const untouched = joined([denseNet(1), denseNet(2)], 'one-way');
    const [first, second] = weightedSteps(untouched).map(({ name }) => name);
    const merged = await share(untouched, first ?? '', 4);
    const layer = layerOf(merged, second ?? '');
    const fitted = await refit(merged, untouched, layer);
    for (const [task, name] of merged.tasks.entries()) {
      /** What a task's samples look like where the layer reads them, or where it puts them out. */
      const at = (network: Network, end: 'inputs' | 'outputs'): Promise<Float32Array> => {
        const graph = taskGraph(network, name);
        const node = graph.nodes.find(
          ({ op, outputs: [made = ''] }) => op === 'Gemm' && made.startsWith(`${layer.name}.`),
        );
        graph.outputs = [{ name: node?.[end][0] ?? '', dtype: 'float32', dims: ['N', 'M'] }];
        return answers(graph, network, task);
      };
      const [x, y, z] = [
        await at(merged, 'inputs'),
        await at(untouched, 'outputs'),
        await at(fitted, 'outputs'),
      ];
      const [inputs, channels] = [x.length / size, y.length / size];
      const n = inputs + 1;
      const rows = Array.from({ length: size }, (_, sample) => [
        ...x.subarray(sample * inputs, (sample + 1) * inputs),
        1,
      ]);
      const products = (i: number, other: (sample: number) => number): number =>
        rows.reduce((sum, row, sample) => sum + (row[i] ?? 0) * other(sample), 0);
      const gram = Float64Array.from({ length: n * n }, (_, k) =>
        products(Math.floor(k / n), (sample) => rows[sample]?.[k % n] ?? 0),
      );
      for (let channel = 0; channel < channels; channel += 1) {
        const pull = Float64Array.from({ length: n }, (_, i) =>
          products(i, (sample) => y[sample * channels + channel] ?? 0),
        );
        const weights = smallSolve(gram, pull);
        for (const [sample, row] of rows.entries()) {
          const best = row.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0);
          expect(z[sample * channels + channel]).toBeCloseTo(best, 3);
        }
      }
    }
  });

  test.each(['crossed', 'one-way'] as const)(
    'brings the answers nearer to the separate networks, and has nothing to do a second time (%s)',
    async (wiring: Wiring) => {
      const untouched = joined([convNet(1), convNet(2)], wiring);
      const merged = await share(untouched, 'conv1', 3);
      const layer = layerOf(merged, 'conv2');
      const fitted = await refit(merged, untouched, layer);
      for (const task of [0, 1])
        expect(await gap(fitted, untouched, task)).toBeLessThan(await gap(merged, untouched, task));
      const again = await refit(fitted, untouched, layer);
      for (const task of [0, 1]) expect(await gap(again, fitted, task)).toBeLessThan(1e-8);
    },
  );
});

test.each([
  ['dense', () => [denseNet(1), denseNet(2)], denseInput, 'fold'],
  ['convolutional', () => [convNet(1), convNet(2), convNet(3)], convInput, 'fold'],
  ['residual', () => [resnet({ seed: 1 }), resnet({ seed: 2 })], null, 'per-task'],
  ['folded residual', () => [resnet({ seed: 1 }), resnet({ seed: 2 })], null, 'fold'],
  ['depthwise', () => [mobilenet({ seed: 1 }), mobilenet({ seed: 2 })], null, 'fold'],
] as const)(
  'a zip of %s networks answers nearer to them with refitting than without',
  async (_, nets, given, batchNorm) => {
    const graphs = nets();
    const untouched = joined(graphs, 'one-way', batchNorm);
    const dims = given ?? untouched.topology.input.dims;
    const sources = graphs.map((graph, index) => ({
      ...{ task: untouched.tasks[index] ?? '', graph },
      train: randomSamples(dims, size, 100 + index),
    }));
    const zipped = async (refit: boolean): Promise<Network> => {
      const retraining = { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 1 };
      const asked = recipeSchema.parse({
        wiring: 'one-way',
        gramSamples: size,
        damping: 1e-3,
        batchNorm,
        refit,
        retraining,
      });
      return (await zip(sources, asked, { provider: 'cpu' })).network;
    };
    const [with_, without] = [await zipped(true), await zipped(false)];
    for (const task of untouched.tasks.keys())
      expect(await gap(with_, untouched, task)).toBeLessThan(await gap(without, untouched, task));
  },
);

test('zip() fits the layers before, between and after those that it shares, and only what something shared reaches', async () => {
  const graphs = [convNet(1), convNet(2)];
  const untouched = joined(graphs, 'one-way');
  const [conv1, conv2, ...later] = weightedSteps(untouched).map(({ name }) => name);
  const fittedWhen = async (share: Recipe['share']): Promise<string[]> => {
    const sources = graphs.map((graph, index) => ({
      ...{ task: untouched.tasks[index] ?? '', graph },
      train: randomSamples(convInput, size, 100 + index),
    }));
    const retraining = { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 1 };
    const asked = recipeSchema.parse({ wiring: 'crossed', gramSamples: size, share, retraining });
    const { network } = await zip(sources, asked, { provider: 'cpu' });
    return weightedSteps(network).flatMap((step) => {
      const own = (of: Network): Float64Array[] =>
        rowsOf(of, step).flatMap(({ parts }) => parts.map(({ weight }) => weight.data));
      return isEqual(own(network), own(untouched)) ? [] : [step.name];
    });
  };
  expect(await fittedWhen({ [conv1 ?? '']: { share: 0.5 } })).toEqual([conv1, conv2, ...later]);
  expect(await fittedWhen({ [later[0] ?? '']: { share: 0.5 } })).toEqual(later);
});
