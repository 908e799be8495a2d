import { describe, expect, it } from 'vitest';
import { createOptimiser } from '../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { layOutParameters, packParameters } from '../../../gpu-runner/engine/parameters.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import {
  emitTrainingGraph,
  feedNames,
  type EmittedObjective,
  type TrainingGraphOptions,
} from '../../../gpu-runner/engine/trainingGraph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { clouds, convNet, denseNet } from './tinyNets.ts';

const objective: EmittedObjective = {
  ...{ input: 'x', output: 'logits', sampleDims: [2], loss: 'softmax-cross-entropy' },
  ...{ weight: 1, distillation: 0, temperature: 1 },
};
const options = (overrides: Partial<TrainingGraphOptions> = {}): TrainingGraphOptions => ({
  graph: denseNet(),
  parameters: layOutParameters(denseNet()),
  objectives: [objective],
  batchSize: 12,
  optimiser: createOptimiser({ kind: 'sgd', momentum: 0 }),
  weightDecay: 0,
  clipNorm: undefined,
  frozenStatistics: false,
  provider: 'cpu',
  ...overrides,
});
const inputs = (overrides: Partial<TrainingGraphOptions>): string[] =>
  emitTrainingGraph(options(overrides)).graph.inputs.map(({ name }) => name);

/** The parameters before and after one step of plain gradient descent at rate 1, and the losses. */
async function step(overrides: Partial<TrainingGraphOptions>) {
  const emitted = emitTrainingGraph(options(overrides));
  const session = await createSession(emitted.graph, { provider: 'cpu', threads: 1 });
  const flat = packParameters(denseNet(), layOutParameters(denseNet()));
  const data = clouds();
  const indices = Array.from({ length: 12 }, (_, index) => index);
  const feeds: Record<string, Tensor> = {
    [feedNames.parameters]: { dtype: 'float32', dims: [flat.length], data: flat },
    [feedNames.scalar('learningRate')]: { dtype: 'float32', dims: [], data: Float32Array.of(1) },
  };
  for (const index of (overrides.objectives ?? [objective]).keys()) {
    feeds[feedNames.input(index)] = { dtype: 'float32', dims: [12, 2], data: data.inputs(indices) };
    feeds[feedNames.labels(index)] = { dtype: 'int32', dims: [12], data: data.labels.slice(0, 12) };
  }
  const results = await session.run(feeds);
  await session.release();
  const next = Array.from(results[emitted.next.parameters]?.data ?? [], Number);
  const slopes = next.map((value, index) => (flat[index] ?? NaN) - value);
  return { flat, slopes, losses: emitted.losses.map((name) => Number(results[name]?.data[0])) };
}
const norm = (values: number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

describe('emitTrainingGraph()', () => {
  it('feeds only what is needed', () => {
    const plain = ['parameters', 'batch/0/input', 'batch/0/labels', 'scalar/learningRate'];
    expect(inputs({})).toEqual(plain);
    expect(inputs({ optimiser: createOptimiser({ kind: 'adamw' }) })).toEqual([
      ...['parameters', 'batch/0/input', 'batch/0/labels', 'state/gradientSum', 'state/squareSum'],
      ...['scalar/learningRate', 'scalar/mean', 'scalar/floor'],
    ]);
    const mixed = [{ ...objective, distillation: 0.5 }];
    expect(inputs({ objectives: mixed })).toEqual(plain.toSpliced(3, 0, 'batch/0/teacher'));
    const distilled = [{ ...objective, distillation: 1 }];
    expect(inputs({ objectives: distilled })).toEqual(plain.with(2, 'batch/0/teacher'));
    const image = { ...objective, input: 'image', sampleDims: [1, 8, 8] };
    const conv = { graph: convNet(), parameters: layOutParameters(convNet()), objectives: [image] };
    expect(inputs(conv)).toEqual([
      ...['parameters', 'statistic/mean', 'statistic/variance', 'batch/0/input', 'noise/0', 'batch/0/labels'],
      'scalar/learningRate',
    ]);
    expect(inputs({ ...conv, frozenStatistics: true })).not.toContain('statistic/mean');
  });

  it('adds the objectives up by their weights', async () => {
    const one = await step({});
    const both = await step({ objectives: [objective, { ...objective, weight: 3 }] });
    expect(both.losses).toEqual([one.losses[0], one.losses[0]]);
    both.slopes.forEach((slope, index) => expect(slope).toBeCloseTo(4 * (one.slopes[index] ?? NaN), 5));
  });

  it('decays weights and no biases', async () => {
    const [plain, decayed] = [await step({}), await step({ weightDecay: 0.5 })];
    for (const { offset, length, decays } of layOutParameters(denseNet())) {
      for (let index = offset; index < offset + length; index += 1) {
        const extra = (decayed.slopes[index] ?? NaN) - (plain.slopes[index] ?? NaN);
        expect(extra).toBeCloseTo(decays ? 0.5 * (plain.flat[index] ?? NaN) : 0, 6);
      }
    }
  });

  it('clips the gradient over all parameters at once', async () => {
    const [plain, clipped] = [await step({}), await step({ clipNorm: 0.01 })];
    expect(norm(plain.slopes)).toBeGreaterThan(0.02);
    expect(norm(clipped.slopes)).toBeCloseTo(0.01, 5);
    const shrink = 0.01 / norm(plain.slopes);
    clipped.slopes.forEach((slope, index) =>
      expect(slope).toBeCloseTo(shrink * (plain.slopes[index] ?? NaN), 6),
    );
  });

  it('trains a sum over what several tasks read', async () => {
    const graph = denseNet();
    graph.inputs.push({ name: 'x2', dtype: 'float32', dims: ['N', 2] });
    graph.outputs.push({ name: 'logits2', dtype: 'float32', dims: ['N', 3] });
    for (const node of denseNet().nodes) {
      const other = (name: string): string => (graph.initializers.has(name) ? name : `${name}2`);
      graph.addNode(node.op, node.inputs.map(other), node.outputs.map(other), node.attributes);
    }
    const second = { ...objective, input: 'x2', output: 'logits2' };
    const [one, both] = [await step({}), await step({ graph, objectives: [objective, second] })];
    both.slopes.forEach((slope, index) => expect(slope).toBeCloseTo(2 * (one.slopes[index] ?? NaN), 5));
  });

  it('refuses an output that another input feeds as well', () => {
    const graph = denseNet();
    graph.inputs.push({ name: 'z', dtype: 'float32', dims: ['N', 3] });
    graph.outputs = [{ name: 'sum', dtype: 'float32', dims: ['N', 3] }];
    graph.addNode('Add', ['logits', 'z'], ['sum']);
    expect(() =>
      emitTrainingGraph(options({ graph, objectives: [{ ...objective, output: 'sum' }] })),
    ).toThrow('value "z" would have no source');
  });

  it('refuses an output that lost the batch', () => {
    const graph = denseNet();
    graph.outputs = [{ name: 'mean', dtype: 'float32', dims: [1, 3] }];
    graph.initializers.set('axes', { dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) });
    graph.addNode('ReduceMean', ['logits', 'axes'], ['mean']);
    expect(() =>
      emitTrainingGraph(options({ graph, objectives: [{ ...objective, output: 'mean' }] })),
    ).toThrow('Cannot train "mean": it is [1,3] for a batch of 12');
  });
});
