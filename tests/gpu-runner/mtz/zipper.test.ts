import { beforeAll, describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { cut, joined, type Pieces } from '../../../gpu-runner/engine/pieces.ts';
import { accuracyOf } from '../../../gpu-runner/mtz/evaluate.ts';
import { planSize } from '../../../gpu-runner/mtz/planSize.ts';
import { servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source, type ZipProgress } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, denseNet, NetBuilder } from './nets.ts';
import { groupNamed, randomSamples } from './networks.ts';
import { resnet } from './nets/resnet.ts';
import { squeezenet } from './nets/squeezenet.ts';

const options = { provider: 'cpu' } as const;

/** Labels are what each net answers itself, so that it starts at 100 %. */
async function taught(task: string, graph: Graph, seed: number, size = 200): Promise<Source> {
  const dims = (graph.inputs[0]?.dims.slice(1) ?? []).map(Number);
  const data = randomSamples(dims, size, seed);
  const all = Uint32Array.from(data.labels.keys());
  const inputs = data.inputs(all);
  const logits = await answerOf(graph, { dtype: 'float32', dims: [size, ...dims], data: inputs });
  const labels = Int32Array.from(all, (sample) => {
    const scores = [...logits.subarray(sample * 3, sample * 3 + 3)];
    return scores.indexOf(Math.max(...scores));
  });
  const labelled = memoryDataset({ sampleDims: dims, classes: 3, labels, inputs });
  return { task, graph, train: labelled, validation: labelled };
}

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    gramSamples: 100,
    retraining: { stepsPerLayer: 12, finalSteps: 10, batchSize: 16, learningRate: 0.01, distillation: 1 },
    ...asked,
  });

describe('a zip that is stopped', () => {
  let dense: Source[];
  let residual: Source[];
  beforeAll(async () => {
    dense = [await taught('digit', denseNet(1), 1), await taught('fashion', denseNet(2), 2)];
    residual = [
      await taught('digit', resnet({ seed: 1 }), 1),
      await taught('fashion', resnet({ seed: 2 }), 2),
    ];
  });

  /** Zips, dying after a number of checkpoints and going on from the last, again and again. */
  async function zipDying(sources: readonly Source[], recipe: Recipe, livesFor: (life: number) => number) {
    let from: Pieces | undefined;
    for (let life = 0; ; life += 1) {
      let left = livesFor(life);
      try {
        return {
          lives: life + 1,
          zipped: await zip(sources, recipe, {
            ...options,
            checkpoint: {
              from,
              everySteps: 5,
              save(pieces) {
                from = cut([joined(pieces)], 1000);
                left -= 1;
                if (left === 0) throw new Error('killed');
              },
            },
          }),
        };
      } catch (error) {
        if (!(error instanceof Error && error.message === 'killed')) throw error;
      }
    }
  }

  test.each(['dense', 'residual'] as const)(
    'goes on to the same bits wherever it died (%s nets)',
    async (kind) => {
      const sources = kind === 'dense' ? dense : residual;
      const recipe = recipeOf({ share: { share: 0.7 } });
      const whole = await zip(sources, recipe, options);
      const once = await zipDying(sources, recipe, () => 1);
      const twice = await zipDying(sources, recipe, (life) => 2 + (life % 3));
      expect(once.lives).toBeGreaterThan(5);
      expect(twice.lives).toBeGreaterThan(2);
      for (const { zipped } of [once, twice]) {
        expect(zipped.network).toEqual(whole.network);
        expect(zipped.sharing).toEqual(whole.sharing);
        expect(zipped.retrainingSteps).toBe(whole.retrainingSteps);
        expect(zipped.losses).toEqual(whole.losses);
      }
    },
  );

  test('remembers what early stopping saw, and where it stopped, wherever it died', async () => {
    const retraining = { stepsPerLayer: 12, finalSteps: 10, batchSize: 16, learningRate: 0.01 };
    const earlyStopping = { every: 2, patience: 2, minDelta: 0.2 };
    const recipe = recipeOf({ share: { share: 0.7 }, retraining: { ...retraining, earlyStopping } });
    const whole = await zip(dense, recipe, options);
    expect(whole.earlyStops.map(({ layer }) => layer)).toContain('fc1');
    expect(whole.looks[0]).toMatchObject({ layer: 'fc1', step: 0, metric: 'accuracy' });
    const taken = whole.earlyStops.map((stop) => stop.retrainingSteps);
    expect(whole.losses.map(({ step }) => step)).toEqual(expect.arrayContaining(taken));
    const { zipped, lives } = await zipDying(dense, recipe, () => 1);
    expect(lives).toBeGreaterThan(2);
    for (const what of ['looks', 'earlyStops', 'losses'] as const) expect(zipped[what]).toEqual(whole[what]);
  });

  test('does not go on from the checkpoint of another zip, another version, or a damaged one', async () => {
    let saved = new Uint8Array();
    const save = (pieces: Pieces): void => void (saved = joined(pieces));
    await zip(dense, recipeOf(), { ...options, checkpoint: { save } });
    const resume = (from: Uint8Array<ArrayBuffer>, recipe = recipeOf()) =>
      zip(dense, recipe, { ...options, checkpoint: { from: [from] } });
    await expect(resume(saved, recipeOf({ seed: 2 }))).rejects.toThrow(
      'Cannot resume: the checkpoint belongs to a zip of other networks, data or recipe',
    );
    await expect(resume(saved.slice(0, -7))).rejects.toThrow('is damaged or cut off');
    await expect(resume(Uint8Array.of(1, 2, 3))).rejects.toThrow('is not one of a zip (3 bytes)');
    const older = saved.slice();
    older[7] = '1'.charCodeAt(0);
    await expect(resume(older)).rejects.toThrow('was written by another version of zipping');
    const damaged = saved.slice();
    damaged[200] = (damaged[200] ?? 0) ^ 1;
    await expect(resume(damaged)).rejects.toThrow('is damaged');
    expect((await resume(saved)).retrainingSteps).toBe(34);
    const read = () => Promise.resolve([saved]);
    expect((await zip(dense, recipeOf(), { ...options, checkpoint: { from: read } })).retrainingSteps).toBe(
      34,
    );
  });
});

describe('floors', () => {
  test('a layer that breaks a floor is undone and shared less, and the floor holds in the end', async () => {
    const sources = [
      await taught('digit', denseNet(1, { fc1: 12, fc2: 10 }), 21, 400),
      await taught('fashion', denseNet(2, { fc1: 12, fc2: 10 }), 22, 400),
    ];
    const retraining = {
      stepsPerLayer: 10,
      finalSteps: 0,
      batchSize: 16,
      learningRate: 0.005,
      distillation: 1,
    };
    const free = await zip(sources, recipeOf({ retraining }), options);
    const worst = Math.min(...Object.values(free.accuracies.at(-1)?.accuracy ?? {}));
    const events: ZipProgress[] = [];
    // Above what full sharing reaches, so that something must give.
    const maxDrop = (1 - worst) * 0.6;
    const held = await zip(sources, recipeOf({ retraining, floors: { maxDrop } }), {
      ...options,
      onProgress: (event) => events.push(event),
    });
    expect(held.floorEvents.length).toBeGreaterThan(0);
    expect(events.filter(({ stage }) => stage === 'floor')).toHaveLength(held.floorEvents.length);
    for (const { from, to, floors, retrainingSteps } of held.floorEvents) {
      // Ten after each layer, those that were undone too.
      expect(retrainingSteps % 10).toBe(0);
      expect(retrainingSteps).toBeGreaterThan(0);
      expect(retrainingSteps).toBeLessThanOrEqual(held.retrainingSteps);
      expect(to).toBe(Math.floor(from / 2));
      expect(Object.keys(floors).length).toBeGreaterThan(0);
    }
    for (const { task, validation } of sources) {
      if (!validation) throw new Error('no validation');
      const accuracy = await accuracyOf(taskGraph(held.network, task), validation, options);
      expect(accuracy).toBeGreaterThanOrEqual(1 - maxDrop);
    }
    expect(held.retrainingSteps).toBeGreaterThan(20);
  });

  test('a floor that nothing shared can hold leaves the networks apart', async () => {
    const sources = [await taught('digit', denseNet(1), 1), await taught('fashion', denseNet(2), 2)];
    const floors = { accuracy: { digit: 1 }, maxDrop: 0 };
    const retraining = { stepsPerLayer: 1, finalSteps: 0, batchSize: 16, learningRate: 0.5 };
    const { network, sharing } = await zip(sources, recipeOf({ retraining, floors }), options);
    expect(sharing).toEqual([]);
    expect(servingGraphs(network).trunk).toBeNull();
  });

  test('the steps of the end are taken where a floor gives up the last layer', async () => {
    const sources = [
      await taught('digit', denseNet(1, { fc1: 12, fc2: 2 }), 21, 400),
      await taught('fashion', denseNet(2, { fc1: 12, fc2: 2 }), 22, 400),
    ];
    const retraining = {
      stepsPerLayer: 0,
      finalSteps: 7,
      batchSize: 16,
      learningRate: 1e-4,
      distillation: 1,
    };
    const share = { fc1: { count: 1 }, fc2: { share: 1 } };
    const first = await zip(sources, recipeOf({ retraining, share: { fc1: { count: 1 } } }), options);
    const worst = Math.min(...Object.values(first.accuracies[0]?.accuracy ?? {}));
    const recipe = recipeOf({ retraining, share, floors: { maxDrop: 1.2 * (1 - worst) } });
    let saves = 0;
    const held = await zip(sources, recipe, {
      ...options,
      checkpoint: { save: () => void (saves += 1), everySteps: 3 },
    });
    expect(held.floorEvents.map(({ layer, from, to }) => [layer, from, to])).toEqual([
      ['fc2', 2, 1],
      ['fc2', 1, 0],
    ]);
    expect(held.sharing.map(({ layer, channels }) => [layer, channels.length])).toEqual([['fc1', 1]]);
    // Those of both attempts at fc2, and those that count.
    expect(held.retrainingSteps).toBe(3 * 7);
    expect(held.accuracies.map(({ layer, retrainingSteps }) => [layer, retrainingSteps])).toEqual([
      ['fc1', 0],
      ['fc2', 21],
    ]);
    expect(held.losses.at(-1)?.step).toBe(21);

    let from: Pieces | undefined;
    const save = (pieces: Pieces): void => {
      from = [joined(pieces)];
      saves -= 1;
      // In the midst of the last steps.
      if (saves === 2) throw new Error('killed');
    };
    await expect(zip(sources, recipe, { ...options, checkpoint: { save, everySteps: 3 } })).rejects.toThrow(
      'killed',
    );
    const resumed = await zip(sources, recipe, { ...options, checkpoint: { from, everySteps: 3 } });
    expect(resumed.network).toEqual(held.network);
    expect(resumed.retrainingSteps).toBe(held.retrainingSteps);
  });

  test('floors and early stopping need validation samples, and name tasks that exist', async () => {
    const sources = [await taught('digit', denseNet(1), 1), await taught('fashion', denseNet(2), 2)];
    const blind = sources.map(({ task, graph, train }) => ({ task, graph, train }));
    await expect(zip(blind, recipeOf({ floors: { maxDrop: 0.1 } }), options)).rejects.toThrow(
      'Cannot zip "digit": an accuracy floor needs validation samples, and it has none',
    );
    await expect(zip(sources, recipeOf({ floors: { accuracy: { letter: 0.9 } } }), options)).rejects.toThrow(
      'Cannot follow the recipe: it names "letter", which is not a task',
    );
  });
});

describe('budgets', () => {
  const none = { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 };

  test.each(['parameters', 'macs'] as const)(
    'a budget of %s is kept, at less loss than sharing everything',
    async (of) => {
      const sources = [
        await taught('digit', squeezenet({ seed: 1 }), 1),
        await taught('fashion', squeezenet({ seed: 2 }), 2),
      ];
      const { network, plan } = await zip(
        sources,
        // Of random networks, hardly damped costs tell groups apart best.
        recipeOf({ retraining: none, damping: 1e-5, budget: { of, atMost: 0.75 } }),
        options,
      );
      expect(plan.size[of]).toBeLessThanOrEqual(0.75 * plan.separate[of]);
      expect(plan.size[of]).toBeGreaterThan(0.6 * plan.separate[of]);
      const { curve = [], lossOf } = plan.prediction ?? {};
      const [everything] = curve;
      expect(lossOf?.(plan.plan)).toBeLessThan(everything?.loss ?? 0);
      expect(curve.at(-1)?.loss).toBe(0);
      for (const [index, point] of curve.entries())
        expect(point.loss).toBeLessThanOrEqual(curve[index - 1]?.loss ?? Infinity);
      expect(planSize(network, plan.plan)).toEqual(plan.size);
    },
  );

  test('a budget that not even sharing everything keeps is refused with what it would leave', async () => {
    const sources = [await taught('digit', denseNet(1), 1), await taught('fashion', denseNet(2), 2)];
    await expect(
      zip(sources, recipeOf({ budget: { of: 'parameters', atMost: 0.3 } }), options),
    ).rejects.toThrow(
      /Cannot keep to 30.0 % of the separate networks' parameters: sharing all .* leaves 5\d/,
    );
  });
});

describe('networks that differ', () => {
  test('a grey network zips with an RGB one when the recipe says how, each taught by its own', async () => {
    const net = (seed: number, channels: number): Graph =>
      new NetBuilder(seed, [channels, 5, 5])
        .conv('conv1', channels, 4)
        .op('Relu')
        .op('Flatten')
        .dense('fc', 36, 3)
        .end();
    const sources = [await taught('sign', net(1, 3), 1), await taught('digit', net(2, 1), 2)];
    await expect(zip(sources, recipeOf(), options)).rejects.toThrow(
      "Cannot zip networks that read 3 and 1 channels: say in the recipe's inputChannels how",
    );
    const { network, accuracies } = await zip(
      sources,
      recipeOf({ inputChannels: { digit: 'mean' } }),
      options,
    );
    expect(network.topology.input.dims).toEqual([3, 5, 5]);
    expect(Object.keys(accuracies[0]?.accuracy ?? {})).toEqual(['sign', 'digit']);
  });

  test('eight networks share one trunk', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `task${index}`);
    const sources = await Promise.all(names.map((task, seed) => taught(task, denseNet(seed + 1), seed, 60)));
    const retraining = { stepsPerLayer: 2, finalSteps: 0, batchSize: 8, learningRate: 0.01, distillation: 1 };
    const { network, sharing } = await zip(sources, recipeOf({ retraining }), options);
    expect(network.groups[groupNamed(network, 'fc1')]?.map(({ tasks }) => tasks)).toEqual([255]);
    expect(Object.keys(sharing[1]?.channels[0] ?? {})).toHaveLength(8);
    const { trunk, heads } = servingGraphs(network);
    expect(trunk?.outputs).toHaveLength(1);
    expect(heads).toHaveLength(8);
  });
});
