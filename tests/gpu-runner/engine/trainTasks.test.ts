/** What train() does beyond one task on dense weights: batches and weights of tasks, masks, early stopping. */
import { describe, expect, it } from 'vitest';
import { augmented, shifted } from '../../../gpu-runner/engine/augment.ts';
import { subset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { dynamicAverage } from '../../../gpu-runner/engine/lossWeights.ts';
import { maskOfZeros, masksOfZeros } from '../../../gpu-runner/engine/masks.ts';
import type { Objective } from '../../../gpu-runner/engine/objective.ts';
import { train, type TrainOptions, type TrainProgress } from '../../../gpu-runner/engine/train.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { accuracyOf, logitsOf } from './evaluate.ts';
import { clouds, convNet, denseNet, patterns } from './tinyNets.ts';

/** `denseNet` with a second output on the same hidden layer. */
function twoTasks(): Graph {
  const graph = denseNet();
  const w3 = denseNet(2, 8, 3, 4).initializers.get('w2');
  if (!w3) throw new Error('The net has changed');
  graph.outputs.push({ name: 'other', dtype: 'float32', dims: ['N', 3] });
  graph.initializers.set('w3', w3);
  graph.addNode('MatMul', ['r', 'w3'], ['other']);
  return graph;
}
const objective = (output: string, data: Dataset, more: Partial<Objective> = {}): Objective => ({
  ...{ input: 'x', output, data, loss: 'softmax-cross-entropy' },
  ...more,
});
const options = (overrides: Partial<TrainOptions> = {}): TrainOptions => ({
  graph: twoTasks(),
  objectives: [objective('logits', clouds()), objective('other', clouds(60, 8))],
  steps: 20,
  batchSize: 12,
  optimiser: { kind: 'sgd' },
  schedule: { learningRate: 0.05 },
  seed: 1,
  provider: 'cpu',
  threads: 1,
  ...overrides,
});
const bits = (graph: Graph): Record<string, number[]> =>
  Object.fromEntries([...graph.initializers].map(([name, { data }]) => [name, Array.from(data, Number)]));

describe('train() on several tasks', () => {
  it('reads a batch of its own size from each, until each has seen its own data in its own order', async () => {
    const read: number[][] = [[], []];
    const watched = (index: number, data: Dataset): Dataset => ({
      ...data,
      inputs: (indices) => {
        read[index]?.push(...indices);
        return data.inputs(indices);
      },
    });
    const objectives = [
      objective('logits', watched(0, clouds()), { batchSize: 24 }),
      objective('other', watched(1, clouds(60, 8))),
    ];
    await train(options({ objectives, steps: 5 }));
    const [first = [], second = []] = read;
    expect([first.length, second.length]).toEqual([120, 60]);
    expect(new Set(first.slice(0, 96)).size).toBe(96);
    expect(new Set(second).size).toBe(60);
    expect(first.slice(0, 60)).not.toEqual(second);
  });

  it('takes the same step for a batch of two as the mean of two batches of one', async () => {
    const sample = (index: number): Dataset => subset(clouds(), [index]);
    const once = {
      steps: 1,
      optimiser: { kind: 'sgd', momentum: 0 },
      schedule: { learningRate: 0.1, decay: 'constant' },
    } as const;
    const graph = denseNet();
    const both = await train(
      options({
        ...once,
        graph,
        objectives: [objective('logits', subset(clouds(), [3, 4]), { batchSize: 2 })],
      }),
    );
    const apart = await train(
      options({
        ...once,
        graph,
        batchSize: 1,
        objectives: [3, 4].map((index) => objective('logits', sample(index), { weight: 0.5 })),
      }),
    );
    for (const [name, values] of Object.entries(bits(both.graph)))
      values.forEach((value, index) => expect(bits(apart.graph)[name]?.[index]).toBeCloseTo(value, 6));
  });

  it('weighs losses by dynamic averages, from the losses it reports', async () => {
    const reports: TrainProgress[] = [];
    const lossWeighting = { kind: 'dynamic-average', window: 4, temperature: 0.5 } as const;
    const objectives = [objective('logits', clouds(), { weight: 3 }), objective('other', clouds(60, 8))];
    const result = await train(
      options({ objectives, lossWeighting, onProgress: (report) => reports.push(report) }),
    );
    const average = dynamicAverage(lossWeighting, 2);
    let history = average.start;
    for (const [index, { weights, losses }] of reports.entries()) {
      const [first = NaN, second = NaN] = average.weights(history, index);
      expect(weights).toEqual([3 * first, second]);
      history = average.next(history, index + 1, losses);
    }
    expect(reports[7]?.weights).toEqual([3, 1]);
    expect(reports[8]?.weights).not.toEqual([3, 1]);
    const fixed = await train(options({ objectives }));
    const apart = result.losses.map((row, step) =>
      Math.abs((row[0] ?? NaN) - (fixed.losses[step]?.[0] ?? NaN)),
    );
    expect(Math.max(...apart.slice(0, 9))).toBeLessThan(1e-5);
    expect(Math.max(...apart.slice(9))).toBeGreaterThan(1e-4);
  });

  it('follows adaptive weights in the step: as fixed ones of the same size', async () => {
    // After two windows of one step the third step has known weights; a run of it alone with them fixed is the same.
    const plain = {
      optimiser: { kind: 'sgd', momentum: 0 },
      schedule: { learningRate: 0.05, decay: 'constant' },
    } as const;
    const reports: TrainProgress[] = [];
    const adaptive = await train(
      options({
        ...plain,
        steps: 3,
        lossWeighting: { kind: 'dynamic-average', window: 1 },
        onProgress: (report) => reports.push(report),
      }),
    );
    const two = await train(options({ ...plain, steps: 2 }));
    const parameters = ['w1', 'b1', 'w2', 'b2', 'w3'];
    const flat = parameters.flatMap((name) => bits(two.graph)[name] ?? []);
    const third = await train(
      options({
        ...plain,
        steps: 3,
        parameters,
        objectives: options().objectives.map((one, index) => ({
          ...one,
          weight: reports[2]?.weights[index] ?? NaN,
        })),
        checkpoint: {
          from: { step: 2, parameters: Float32Array.from(flat), optimiser: {}, statistics: {} },
        },
      }),
    );
    expect(reports[2]?.weights).not.toEqual([1, 1]);
    for (const [name, values] of Object.entries(bits(adaptive.graph)))
      values.forEach((value, index) => expect(bits(third.graph)[name]?.[index]).toBeCloseTo(value, 6));
  });
});

describe('train() with masks', () => {
  it.each([
    { kind: 'sgd', momentum: 0.9, weightDecay: 0.1 },
    { kind: 'adamw', weightDecay: 0.1 },
  ] as const)(
    'keeps pruned weights at exactly 0 with $kind, decay and clipping, and trains the others',
    async (optimiser) => {
      const graph = denseNet();
      const w1 = graph.initializers.get('w1') as Tensor<'float32'>;
      w1.data.forEach((_, index) => {
        if (index % 3 === 0) w1.data[index] = 0;
      });
      const before = Array.from(w1.data);
      const result = await train(
        options({
          graph,
          optimiser,
          clipNorm: 1,
          steps: 60,
          schedule: { learningRate: 0.05, decay: 'constant' },
          objectives: [objective('logits', clouds())],
          masks: masksOfZeros(graph.initializers, ['w1', 'b1', 'w2', 'b2']),
        }),
      );
      const after = bits(result.graph)['w1'] ?? [];
      after.forEach((value, index) => {
        if (before[index] === 0) expect(Object.is(value, 0)).toBe(true);
        else expect(value).not.toBe(before[index]);
      });
      expect(await accuracyOf(result.graph, clouds(300, 77))).toBeGreaterThan(0.98);
    },
  );

  it('prunes what the mask covers and is not 0 yet, before the first step', async () => {
    const mask: Tensor = {
      dtype: 'uint8',
      dims: [8, 2],
      data: Uint8Array.from({ length: 16 }, (_, i) => i % 2),
    };
    const masks = new Map([['w1', mask]]);
    const start = await train(options({ masks, steps: 0 }));
    expect(maskOfZeros(start.graph.initializers.get('w1') as Tensor)).toEqual(mask);
    const { graph } = await train(options({ masks }));
    expect(maskOfZeros(graph.initializers.get('w1') as Tensor)).toEqual(mask);
  });

  it('with only ones changes no bit', async () => {
    const ones: Tensor = { dtype: 'uint8', dims: [8, 2], data: new Uint8Array(16).fill(1) };
    const masked = await train(options({ masks: new Map([['w1', ones]]) }));
    expect(bits(masked.graph)).toEqual(bits((await train(options())).graph));
  });
});

describe('train() with validation', () => {
  const held = objective('logits', clouds(), { validation: clouds(60, 9) });

  it('stops when it gets no better, and gives back the best network', async () => {
    const result = await train(
      options({
        graph: denseNet(),
        objectives: [held],
        steps: 400,
        schedule: { learningRate: 0.02, decay: 'constant' },
        validation: { every: 5, patience: 3, metric: 'loss', minDelta: 1e-3 },
      }),
    );
    const { best, stopped, validations, losses } = result;
    expect(stopped.reason).toBe('patience');
    expect(losses).toHaveLength(stopped.step);
    expect(validations.map(({ step }) => step)).toEqual(validations.map((_, index) => 5 * index));
    expect(best?.step).toBe(stopped.step - 15);
    expect(validations.find(({ step }) => step === best?.step)?.score).toBe(best?.score);
    // The network that is given back is the one of that look: the same run, stopped there, ends with it.
    const there = await train(
      options({
        graph: denseNet(),
        objectives: [held],
        steps: best?.step ?? 0,
        schedule: { learningRate: 0.02, decay: 'constant' },
      }),
    );
    expect(bits(result.graph)).toEqual(bits(there.graph));
  });

  it('goes on to the end while it gets better, and looks there too', async () => {
    const reports: TrainProgress[] = [];
    const result = await train(
      options({
        graph: denseNet(),
        objectives: [held],
        steps: 23,
        validation: { every: 10, patience: 1, metric: 'loss' },
        onProgress: (report) => reports.push(report),
      }),
    );
    expect(result.stopped).toEqual({ step: 23, reason: 'steps' });
    expect(result.validations.map(({ step }) => step)).toEqual([0, 10, 20, 23]);
    expect(reports.filter(({ validation }) => validation).map(({ step }) => step)).toEqual([10, 20, 23]);
    expect(result.best?.step).toBe(23);
  });

  it('never gives back less than it was given', async () => {
    const good = await train(options({ graph: denseNet(), objectives: [held], steps: 100 }));
    const { graph, best, stopped } = await train(
      options({
        graph: good.graph,
        objectives: [held],
        steps: 40,
        clipNorm: 1,
        schedule: { learningRate: 20, decay: 'constant' },
        validation: { every: 4, patience: 2, metric: 'accuracy' },
      }),
    );
    expect(best?.step).toBe(0);
    expect(stopped).toEqual({ step: 8, reason: 'patience' });
    expect(await logitsOf(graph, clouds(60, 9))).toEqual(await logitsOf(good.graph, clouds(60, 9)));
  });

  it('keeps the running statistics of the best network with its weights', async () => {
    const image = objective('logits', patterns(), { input: 'image', validation: patterns(60, 9) });
    const run = (steps: number, patience: number) =>
      train(
        options({
          ...{ graph: convNet(), objectives: [image], steps },
          schedule: { learningRate: 0.2, decay: 'constant' },
          validation: { every: 2, patience, metric: 'loss' },
        }),
      );
    const { graph, best, stopped } = await run(60, 3);
    expect(stopped.step).toBeGreaterThan(best?.step ?? NaN);
    expect(bits(graph)['mean']).toEqual(bits((await run(best?.step ?? NaN, 100)).graph)['mean']);
  });
});

it('train() on augmented images sees new ones every epoch, and the same ones when it is repeated', async () => {
  const seen: string[] = [];
  const watched = (data: Dataset): Dataset => ({
    ...data,
    inputs: (indices, step) => {
      const inputs = data.inputs(indices, step);
      seen.push(inputs.join());
      return inputs;
    },
  });
  const data = watched(augmented(subset(patterns(), [0, 1, 2]), [shifted(2)], 5));
  const run = () =>
    train(
      options({
        graph: convNet(),
        objectives: [objective('logits', data, { input: 'image' })],
        batchSize: 3,
        steps: 8,
      }),
    );
  const [one, two] = [await run(), await run()];
  expect(new Set(seen.slice(0, 8)).size).toBe(8);
  expect(seen.slice(8)).toEqual(seen.slice(0, 8));
  expect(bits(one.graph)).toEqual(bits(two.graph));
});
