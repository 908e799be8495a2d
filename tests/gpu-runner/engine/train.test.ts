import { describe, expect, it } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import {
  train,
  type TrainOptions,
  type TrainProgress,
  type TrainResult,
} from '../../../gpu-runner/engine/train.ts';
import type { TrainState } from '../../../gpu-runner/engine/trainState.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { accuracyOf, logitsOf } from './evaluate.ts';
import { clouds, convNet, denseNet, patterns } from './tinyNets.ts';

const dense = (overrides: Partial<TrainOptions> = {}): TrainOptions => ({
  graph: denseNet(),
  objectives: [{ input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' }],
  steps: 60,
  batchSize: 16,
  optimiser: { kind: 'sgd' },
  schedule: { learningRate: 0.05 },
  seed: 1,
  provider: 'cpu',
  threads: 1,
  ...overrides,
});
const conv = (overrides: Partial<TrainOptions> = {}): TrainOptions =>
  dense({
    graph: convNet(),
    objectives: [{ input: 'image', output: 'logits', data: patterns(), loss: 'softmax-cross-entropy' }],
    steps: 12,
    optimiser: { kind: 'adamw', weightDecay: 0.01 },
    schedule: { learningRate: 0.01, warmUpSteps: 4 },
    ...overrides,
  });

const values = (graph: Graph): Record<string, number[]> =>
  Object.fromEntries([...graph.initializers].map(([name, { data }]) => [name, Array.from(data, Number)]));
const lossesOf = ({ losses }: TrainResult, objective = 0): number[] =>
  losses.map((row) => row[objective] ?? NaN);
const mean = (numbers: number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

describe('train() learns', () => {
  it.each([
    { optimiser: { kind: 'sgd' }, learningRate: 0.05 },
    { optimiser: { kind: 'sgd', momentum: 0, weightDecay: 1e-3 }, learningRate: 0.3 },
    { optimiser: { kind: 'adamw', weightDecay: 1e-2 }, learningRate: 0.03 },
  ] as const)('a separable problem with $optimiser', async ({ optimiser, learningRate }) => {
    const result = await train(dense({ optimiser, schedule: { learningRate, warmUpSteps: 5 }, clipNorm: 5 }));
    const losses = lossesOf(result);
    expect(losses).toHaveLength(60);
    expect(mean(losses.slice(-5))).toBeLessThan(0.2 * mean(losses.slice(0, 2)));
    expect(await accuracyOf(result.graph, clouds(300, 77))).toBeGreaterThan(0.98);
  });

  it('a net with convolution, batch norm, pooling and dropout', async () => {
    const { graph } = await train(conv({ steps: 90 }));
    expect(await accuracyOf(convNet(), patterns(150, 78))).toBeLessThan(0.6);
    expect(await accuracyOf(graph, patterns(150, 78))).toBeGreaterThan(0.95);
  });

  it('two classes from one logit with binary cross-entropy', async () => {
    const { labels, ...three } = clouds();
    const data = { ...three, classes: 2, labels: labels.map((label) => Math.min(label, 1)) };
    const { graph } = await train(
      dense({
        graph: denseNet(2, 8, 1),
        objectives: [{ input: 'x', output: 'logits', data, loss: 'binary-cross-entropy' }],
      }),
    );
    const logits = await logitsOf(graph, data);
    const right = logits.filter(([logit = NaN], index) => (logit > 0 ? 1 : 0) === data.labels[index]).length;
    expect(right / data.size).toBeGreaterThan(0.98);
  });

  it('a number with mean squared error', async () => {
    const data = clouds();
    const objectives = [{ input: 'x', output: 'logits', data, loss: 'mean-squared-error' }] as const;
    const { graph } = await train(dense({ graph: denseNet(2, 8, 1), objectives, steps: 200 }));
    const errors = (await logitsOf(graph, data)).map(
      ([value = NaN], index) => (value - (data.labels[index] ?? NaN)) ** 2,
    );
    expect(mean(errors)).toBeLessThan(0.05);
  });

  it('from a teacher alone, without a look at the labels', async () => {
    const { graph: teacher } = await train(dense());
    const { labels, ...unlabelled } = clouds();
    const data = { ...unlabelled, labels: labels.map(() => 0) };
    const { graph } = await train(
      dense({
        graph: denseNet(2, 8, 3, 99),
        steps: 150,
        objectives: [
          {
            ...{ input: 'x', output: 'logits', data, loss: 'softmax-cross-entropy' },
            teacher: { graph: teacher, distillation: 1, temperature: 2 },
          },
        ],
      }),
    );
    expect(await accuracyOf(graph, clouds(300, 77))).toBeGreaterThan(0.98);
  });
});

describe('train() trains what it is asked to', () => {
  it('leaves the graph it was given as it was, and every other initializer of the copy', async () => {
    const graph = denseNet();
    const before = values(graph);
    const result = await train(dense({ graph, parameters: ['w2', 'b1'], steps: 3 }));
    expect(values(graph)).toEqual(before);
    const after = values(result.graph);
    expect(after['w1']).toEqual(before['w1']);
    expect(after['b2']).toEqual(before['b2']);
    expect(after['w2']).not.toEqual(before['w2']);
    expect(after['b1']).not.toEqual(before['b1']);
    expect(result.graph.nodes).toEqual(graph.nodes);
  });

  it('moves running statistics by the batches, or keeps them frozen', async () => {
    const [before, schedule] = [values(convNet()), { learningRate: 0.01 }];
    const moved = values((await train(conv({ steps: 2, schedule }))).graph);
    expect(moved['mean']).not.toEqual(before['mean']);
    expect(moved['variance']).not.toEqual(before['variance']);
    const frozen = values((await train(conv({ steps: 2, schedule, frozenStatistics: true }))).graph);
    expect(frozen['mean']).toEqual(before['mean']);
    expect(frozen['variance']).toEqual(before['variance']);
    expect(frozen['scale']).not.toEqual(before['scale']);
    expect(frozen['ratio']).toEqual(before['ratio']);
    const named = { steps: 2, schedule, frozenStatistics: ['mean', 'variance'] };
    expect(values((await train(conv(named))).graph)).toEqual(frozen);
    const other = { ...named, frozenStatistics: ['mean.of.another', 'variance.of.another'] };
    expect(values((await train(conv(other))).graph)).toEqual(moved);
  });

  it('several outputs of one net that share its weights, each on its own data', async () => {
    const graph = denseNet();
    graph.outputs.push({ name: 'other', dtype: 'float32', dims: ['N', 3] });
    graph.initializers.set('w3', { dtype: 'float32', dims: [8, 3], data: new Float32Array(24) });
    graph.addNode('MatMul', ['r', 'w3'], ['other']);
    const { labels, ...rest } = clouds(96, 8);
    const turned = { ...rest, labels: labels.map((label) => (label + 1) % 3) };
    const result = await train(
      dense({
        graph,
        steps: 90,
        objectives: [
          { input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' },
          { input: 'x', output: 'other', data: turned, loss: 'softmax-cross-entropy', weight: 2 },
        ],
      }),
    );
    expect(result.losses.every((row) => row.length === 2)).toBe(true);
    expect(mean(lossesOf(result, 0).slice(-5))).toBeLessThan(0.1);
    expect(mean(lossesOf(result, 1).slice(-5))).toBeLessThan(0.1);
    expect(await accuracyOf(result.graph, clouds(300, 77))).toBeGreaterThan(0.98);
  });

  it('nothing in no steps', async () => {
    const { graph, losses } = await train(dense({ steps: 0 }));
    expect(losses).toEqual([]);
    expect(values(graph)).toEqual(values(denseNet()));
  });
});

describe('train() can be repeated', () => {
  it('gives the same bits for the same seed, and others for another', async () => {
    const [one, two, other] = [await train(conv()), await train(conv()), await train(conv({ seed: 2 }))];
    expect(values(two.graph)).toEqual(values(one.graph));
    expect(two.losses).toEqual(one.losses);
    expect(values(other.graph)).not.toEqual(values(one.graph));
  });

  it('resumes from a checkpoint to the same bits as the uninterrupted run', async () => {
    const saved: TrainState[] = [];
    const whole = await train(conv({ checkpoint: { every: 5, save: (state) => void saved.push(state) } }));
    expect(saved.map(({ step }) => step)).toEqual([5, 10, 12]);
    const [from] = saved.map((state) => structuredClone(state));
    if (!from) throw new Error('Nothing was saved');
    const resumed = await train(conv({ checkpoint: { from } }));
    expect(resumed.losses).toEqual(whole.losses.slice(5));
    expect(values(resumed.graph)).toEqual(values(whole.graph));
  });

  it('refuses a checkpoint of another run', async () => {
    const saved: TrainState[] = [];
    await train(conv({ checkpoint: { save: (state) => void saved.push(state) } }));
    const [from] = saved;
    if (!from) throw new Error('Nothing was saved');
    await expect(train(dense({ checkpoint: { from } }))).rejects.toThrow(
      /Cannot resume training: the checkpoint holds parameters \[239\]; .*; this run needs parameters \[51\]/,
    );
    const beyond = { ...from, step: 13 };
    await expect(train(conv({ checkpoint: { from: beyond } }))).rejects.toThrow('at step 13 of 12');
  });
});

describe('train() reports and stops', () => {
  it('tells its progress after every step', async () => {
    const reports: TrainProgress[] = [];
    const { losses } = await train(
      dense({ steps: 4, onProgress: (progress) => void reports.push(progress) }),
    );
    expect(reports.map(({ step, steps }) => [step, steps])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
    expect(reports.map((report) => report.losses)).toEqual(losses);
    expect(reports.every(({ stepsPerSecond, etaMs }) => stepsPerSecond > 0 && etaMs >= 0)).toBe(true);
    expect(reports.at(-1)?.etaMs).toBe(0);
  });

  it('stops before the next step when it is cancelled, with the reason', async () => {
    const graph = denseNet();
    const before = values(graph);
    const controller = new AbortController();
    const reason = new Error('Enough');
    let last = 0;
    const cancelled = train(
      dense({
        graph,
        signal: controller.signal,
        onProgress: ({ step }) => {
          last = step;
          if (step === 3) controller.abort(reason);
        },
      }),
    );
    await expect(cancelled).rejects.toBe(reason);
    expect(last).toBe(3);
    expect(values(graph)).toEqual(before);
  });

  it('does not begin when it is cancelled already', async () => {
    let begun = false;
    const signal = AbortSignal.abort(new Error('Too late'));
    await expect(train(dense({ signal, onProgress: () => (begun = true) }))).rejects.toThrow('Too late');
    expect(begun).toBe(false);
  });

  it('stops when a loss is no longer finite, and says where', async () => {
    const run = train(
      dense({ optimiser: { kind: 'sgd' }, schedule: { learningRate: 1e30, decay: 'constant' } }),
    );
    await expect(run).rejects.toThrow(
      /Cannot go on training "logits": its loss is (NaN|Infinity) at step \d+; lower/,
    );
  });
});

describe('train() refuses', () => {
  const objective = { input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' } as const;
  const refusals: readonly (readonly [string, Partial<TrainOptions>, string | RegExp])[] = [
    ['no objectives', { objectives: [] }, 'there are no objectives'],
    ['half a step', { steps: 0.5 }, 'Cannot train for 0.5 steps'],
    ['empty batches', { batchSize: 0 }, 'Cannot train on batches of 0'],
    [
      'batches larger than the data',
      { batchSize: 97 },
      'Cannot draw batches of 97: the data set has 96 samples',
    ],
    [
      'a negative weight',
      { objectives: [{ ...objective, weight: -1 }] },
      'with weight -1: it must be above 0',
    ],
    ['an unknown input', { objectives: [{ ...objective, input: 'y' }] }, 'it has no input "y"'],
    ['an unknown output', { objectives: [{ ...objective, output: 'y' }] }, 'it has no output "y"'],
    [
      'samples of another shape',
      { objectives: [{ ...objective, data: patterns() }] },
      'Cannot train on "x": it takes float32 [N,2], the data set has samples of float32 [1,8,8]',
    ],
    [
      'other classes than columns',
      { objectives: [{ ...objective, data: { ...clouds(), classes: 4 } }] },
      'Cannot train "logits" with softmax-cross-entropy: it has 3 columns, the data set 4 classes',
    ],
    [
      'an unknown parameter',
      { parameters: ['w1', 'w9'] },
      'Cannot train "w9": graph "dense" has no such initializer',
    ],
    [
      'a warm-up longer than the training',
      { schedule: { learningRate: 1, warmUpSteps: 61 } },
      'Cannot warm up for 61 of 60',
    ],
    ['checkpoints every 0 steps', { checkpoint: { every: 0 } }, 'Cannot save a checkpoint every 0 steps'],
    [
      'a teacher of another width',
      {
        objectives: [
          { ...objective, teacher: { graph: denseNet(2, 4, 5), distillation: 0.5, temperature: 1 } },
        ],
      },
      'its teacher gives 5 logits, it has 3',
    ],
    [
      'more than all of distillation',
      { objectives: [{ ...objective, teacher: { graph: denseNet(), distillation: 1.5, temperature: 1 } }] },
      'with distillation 1.5: it must be from 0 to 1',
    ],
  ];

  it.each(refusals)('%s', async (_, overrides, message) => {
    await expect(train(dense(overrides))).rejects.toThrow(message);
  });

  it('a parameter that no objective depends on', async () => {
    const graph = denseNet();
    graph.initializers.set('idle', { dtype: 'float32', dims: [2], data: new Float32Array(2) });
    await expect(train(dense({ graph, parameters: ['w1', 'idle'] }))).rejects.toThrow(
      'Cannot train "idle": no objective depends on it',
    );
  });

  it('probabilities where the loss takes logits', async () => {
    const graph = denseNet();
    graph.outputs = [{ name: 'p', dtype: 'float32', dims: ['N', 3] }];
    graph.addNode('Softmax', ['logits'], ['p']);
    await expect(train(dense({ graph, objectives: [{ ...objective, output: 'p' }] }))).rejects.toThrow(
      'the loss takes logits, this output comes from Softmax',
    );
  });

  it('an operator without a gradient rule, by its name', async () => {
    const graph = denseNet();
    graph.outputs = [{ name: 'odd', dtype: 'float32', dims: ['N', 3] }];
    graph.addNode('Floor', ['logits'], ['odd']);
    await expect(train(dense({ graph, objectives: [{ ...objective, output: 'odd' }] }))).rejects.toThrow(
      /Cannot differentiate Floor ".*": no gradient rule/,
    );
  });
});

describe('train() on the whole', () => {
  it('makes the first step that float64 arithmetic predicts', async () => {
    const data = memoryDataset({
      ...{ sampleDims: [2], classes: 2 },
      labels: Int32Array.of(0, 1),
      inputs: Float32Array.of(1, -2, 0.5, 3),
    });
    const graph = denseNet(2, 4, 2);
    const { graph: trained, losses } = await train(
      dense({
        graph,
        objectives: [{ input: 'x', output: 'logits', data, loss: 'softmax-cross-entropy' }],
        steps: 1,
        batchSize: 2,
        optimiser: { kind: 'sgd', momentum: 0 },
        schedule: { learningRate: 0.5, decay: 'constant' },
      }),
    );
    const before = values(graph);
    expect(losses[0]?.[0]).toBeCloseTo(lossByHand(before, data), 6);
    for (const [name, numbers] of Object.entries(values(trained))) {
      for (const [index, value] of numbers.entries()) {
        const moved = (by: number): number => {
          const parameters = structuredClone(before);
          parameters[name] = (parameters[name] ?? []).with(index, (before[name]?.[index] ?? NaN) + by);
          return lossByHand(parameters, data);
        };
        const slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        expect(value).toBeCloseTo((before[name]?.[index] ?? NaN) - 0.5 * slope, 5);
      }
    }
  });
});

/** The cross-entropy of `denseNet` in float64. */
function lossByHand(parameters: Record<string, number[]>, data: ReturnType<typeof clouds>): number {
  const { w1 = [], b1 = [], w2 = [], b2 = [] } = parameters;
  const losses = Array.from(data.labels, (label, sample) => {
    const [x = NaN, y = NaN] = data.inputs([sample]);
    const hidden = b1.map((bias, unit) =>
      Math.max(0, bias + (w1[2 * unit] ?? NaN) * x + (w1[2 * unit + 1] ?? NaN) * y),
    );
    const logits = b2.map((bias, column) =>
      hidden.reduce((sum, value, unit) => sum + value * (w2[unit * b2.length + column] ?? NaN), bias),
    );
    return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - (logits[label] ?? NaN);
  });
  return mean(losses);
}
