import { beforeAll, describe, expect, test } from 'vitest';
import { wirings, recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { sharingRecord as recordSchema } from '../../../shared/manifest.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { accuracyOf } from '../../../gpu-runner/mtz/evaluate.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type ZipProgress } from '../../../gpu-runner/mtz/zip.ts';
import {
  answerOf,
  convInput,
  convNet,
  denseInput,
  denseNet,
  largestGap,
  permuted,
  randomInput,
} from './nets.ts';
import { groupNamed } from './networks.ts';

const options = { provider: 'cpu' } as const;

export function recipeOf(asked: Partial<RecipeInput> = {}): Recipe {
  return recipeSchema.parse({
    wiring: 'crossed',
    share: { share: 1 },
    damping: 1e-7,
    gramSamples: 200,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    ...asked,
  });
}

function samples(dims: readonly number[], seed: number, size = 200): Dataset {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, () => random.integer(3));
  return memoryDataset({
    sampleDims: dims,
    classes: 3,
    labels,
    inputs: randomInput([size, ...dims], seed).data,
  });
}

const source = (task: string, graph: Graph, dims: readonly number[], seed: number): Source => ({
  task,
  graph,
  train: samples(dims, seed),
});

const families = [
  ['conv', convInput, convNet],
  ['dense', denseInput, denseNet],
] as const;

const hiddenOf = { conv: ['conv1', 'conv2', 'fc1'], dense: ['fc1', 'fc2'] } as const;

describe.each(families)('zip of %s nets', (family, dims, net) => {
  const input = randomInput([5, ...dims], 99);
  const [first, second] = [net(1), net(2)];
  const pair = [source('digit', first, dims, 11), source('fashion', second, dims, 12)];

  test.each(wirings)('zip() that shares nothing changes no output (%s)', async (wiring) => {
    const { network, sharing, retrainingSteps } = await zip(
      pair,
      recipeOf({ wiring, share: { share: 0 } }),
      options,
    );
    for (const { task, graph } of pair) {
      expect(largestGap(await answerOf(taskGraph(network, task), input), await answerOf(graph, input))).toBe(
        0,
      );
    }
    expect(sharing).toEqual([]);
    expect(retrainingSteps).toBe(0);
  });

  test.each(wirings)(
    'zip() of a net with a permuted copy of itself finds the copies, at no cost and no change (%s)',
    async (wiring) => {
      const copy = permuted(first, hiddenOf[family], 5);
      const same = [source('digit', first, dims, 11), source('fashion', copy.graph, dims, 12)];
      const { network, sharing } = await zip(same, recipeOf({ wiring }), options);
      for (const { layer, channels, cost } of sharing) {
        const order = copy.orders[layer] ?? [];
        expect(channels).toHaveLength(order.length);
        for (const { digit = -1, fashion = -1 } of channels) expect(order[fashion]).toBe(digit);
        expect(cost).toBeLessThan(1e-9);
      }
      expect(sharing.map(({ layer }) => layer)).toEqual(hiddenOf[family]);
      const expected = await answerOf(first, input);
      for (const task of ['digit', 'fashion']) {
        expect(largestGap(await answerOf(taskGraph(network, task), input), expected)).toBeLessThan(1e-4);
      }
    },
  );
});

describe('zip', () => {
  const pair = [source('digit', convNet(1), convInput, 11), source('fashion', convNet(2), convInput, 12)];

  test('crossed zip() saves k*k*N_below*N weights a layer, and one-way the edges from own to shared as well', async () => {
    const share = { conv1: { count: 3 }, conv2: { count: 2 }, fc1: { count: 4 } };
    const crossed = await zip(pair, recipeOf({ share }), options);
    const saved = crossed.sharing.map(({ weights }) => weights.before - weights.after);
    expect(saved).toEqual([9 * 2 * 3, 9 * 3 * 2, 9 * 2 * 4]);
    expect(crossed.sharing.map(({ weights }) => weights.before)).toEqual([
      2 * 18 * 4,
      2 * 36 * 5,
      2 * 45 * 7,
    ]);

    const oneWay = await zip(pair, recipeOf({ share, wiring: 'one-way' }), options);
    const dropped = oneWay.sharing.map(
      ({ weights }, layer) => weights.before - weights.after - (saved[layer] ?? 0),
    );
    expect(dropped).toEqual([0, 9 * 2 * (1 + 1), 4 * 9 * (3 + 3)]);
  });

  test('zip() records each shared channel once, with a source in every task', async () => {
    const { sharing } = await zip(pair, recipeOf({ share: { conv1: { share: 0.5 } } }), options);
    const [record] = sharing;
    expect(recordSchema.parse(record)).toEqual(record);
    expect(record?.widths).toEqual({ digit: 4, fashion: 4 });
    expect(record?.channels).toHaveLength(2);
    for (const task of ['digit', 'fashion']) {
      expect(new Set(record?.channels.map((channel) => channel[task])).size).toBe(2);
    }
  });

  test('optimal matching costs no more than greedy', async () => {
    const optimal = await zip(pair, recipeOf({ share: { conv1: { share: 1 } } }), options);
    const greedy = await zip(pair, recipeOf({ share: { conv1: { share: 1 } }, matching: 'greedy' }), options);
    expect(optimal.sharing[0]?.cost).toBeLessThanOrEqual((greedy.sharing[0]?.cost ?? 0) + 1e-12);
    expect(optimal.sharing[0]?.cost).toBeGreaterThan(0);
  });

  test('zip() shares between nets of different widths and head sizes', async () => {
    const wide = convNet(4, { conv1: 6, conv2: 7, fc1: 5, classes: 3 });
    const { network, sharing } = await zip(
      [pair[0], source('wide', wide, convInput, 13)].flatMap((one) => one ?? []),
      recipeOf(),
      options,
    );
    expect(sharing.map(({ channels }) => channels.length)).toEqual([4, 5, 5]);
    const blocks = sharing.map(({ layer }) =>
      network.groups[groupNamed(network, layer)]?.map(({ sources }) => sources.length),
    );
    expect(blocks).toEqual([
      [4, 2],
      [5, 2],
      [5, 2],
    ]);
    const input = randomInput([2, ...convInput], 1);
    expect(await answerOf(taskGraph(network, 'wide'), input)).toHaveLength(6);
  });

  test('zip() puts three nets into one trunk, and a task that weighs more keeps closer to its own net', async () => {
    const three = [...pair, source('third', convNet(3), convInput, 14)];
    const input = randomInput([40, ...convInput], 3);
    const gap = async (mergeWeights?: Record<string, number>): Promise<number> => {
      const recipe = recipeOf({ wiring: 'one-way', ...(mergeWeights && { mergeWeights }) });
      const { network, sharing } = await zip(three, recipe, options);
      expect(sharing.map(({ channels }) => Object.keys(channels[0] ?? {}).sort())).toEqual(
        Array(3).fill(['digit', 'fashion', 'third']),
      );
      return largestGap(
        await answerOf(taskGraph(network, 'third'), input),
        await answerOf(convNet(3), input),
      );
    };
    expect(await gap({ third: 1e4 })).toBeLessThan(0.2 * (await gap()));
  });

  test('zip() refuses one net, an unknown weight, data of another shape and too few samples', async () => {
    const [digit, fashion] = pair;
    if (!digit || !fashion) throw new Error('no sources');
    const trainable = recipeOf({
      retraining: { stepsPerLayer: 1, finalSteps: 0, batchSize: 500, learningRate: 0.1 },
    });
    await expect(zip([digit], recipeOf(), options)).rejects.toThrow(
      'Cannot zip 1 network: at least 2 are needed',
    );
    await expect(zip(pair, recipeOf({ mergeWeights: { other: 1 } }), options)).rejects.toThrow(
      'Cannot follow the recipe: it names "other", which is not a task',
    );
    await expect(zip([digit, { ...fashion, train: samples([3], 1) }], recipeOf(), options)).rejects.toThrow(
      'Cannot zip "fashion": its samples are [3], the networks read [2,9,9]',
    );
    await expect(
      zip([digit, { ...fashion, validation: { ...fashion.train, classes: 10 } }], recipeOf(), options),
    ).rejects.toThrow('Cannot zip "fashion": its samples have 10 classes, its network 3');
    await expect(zip(pair, trainable, options)).rejects.toThrow(
      'Cannot zip "digit": 200 samples do not fill a batch of 500',
    );
    await expect(
      zip([digit, { ...fashion, train: samples(convInput, 1, 0) }], recipeOf(), options),
    ).rejects.toThrow('it has no samples');
  });

  test('zip() stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(zip(pair, recipeOf(), { ...options, signal })).rejects.toThrow('enough');
  });
});

describe('zip with retraining', () => {
  const retrained = recipeOf({
    wiring: 'one-way',
    retraining: { stepsPerLayer: 20, finalSteps: 60, batchSize: 16, learningRate: 0.01, distillation: 1 },
  });
  // Labels are what each net answers itself, so that it starts at 100 %.
  const teach = async (task: string, graph: Graph, seed: number): Promise<Source> => {
    const data = samples(denseInput, seed, 400);
    const all = Uint32Array.from(data.labels.keys());
    const logits = await answerOf(graph, { dtype: 'float32', dims: [400, 6], data: data.inputs(all) });
    const labels = Int32Array.from(all, (sample) => {
      const scores = [...logits.subarray(sample * 3, sample * 3 + 3)];
      return scores.indexOf(Math.max(...scores));
    });
    const labelled = memoryDataset({ sampleDims: denseInput, classes: 3, labels, inputs: data.inputs(all) });
    return { task, graph, train: labelled, validation: labelled };
  };
  let pair: Source[];
  beforeAll(async () => {
    pair = [
      await teach('digit', denseNet(1, { fc1: 12, fc2: 10 }), 21),
      await teach('fashion', denseNet(2, { fc1: 12, fc2: 10 }), 22),
    ];
  });

  test('zip() with retraining wins back accuracy, reports every stage, and gives the same bits twice', async () => {
    const events: ZipProgress[] = [];
    const { network, retrainingSteps } = await zip(pair, retrained, {
      ...options,
      onProgress: (event) => events.push(event),
    });
    expect(retrainingSteps).toBe(100);
    expect(
      events.filter(({ stage }) => stage !== 'retrain').map(({ stage, layer }) => `${stage} ${layer}`),
    ).toEqual(
      ['fc1', 'fc2'].flatMap((layer) =>
        ['measure', 'measure', 'share', 'validate'].map((stage) => `${stage} ${layer}`),
      ),
    );
    const stepsOf = (layer: string): number[] =>
      events.flatMap((event) => (event.stage === 'retrain' && event.layer === layer ? [event.step] : []));
    expect([Math.max(...stepsOf('fc1')), Math.max(...stepsOf('fc2'))]).toEqual([20, 80]);

    const bare = await zip(pair, recipeOf({ wiring: 'one-way' }), options);
    for (const { task, train } of pair) {
      const after = await accuracyOf(taskGraph(network, task), train, options);
      const without = await accuracyOf(taskGraph(bare.network, task), train, options);
      expect(after).toBeGreaterThan(without);
      expect(after).toBeGreaterThan(0.7);
    }
    const again = await zip(pair, retrained, options);
    expect(again.network).toEqual(network);
  });
});
