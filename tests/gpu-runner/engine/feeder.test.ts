import { describe, expect, it } from 'vitest';
import { createFeeder, type FeederOptions } from '../../../gpu-runner/engine/feeder.ts';
import type { TrainingGraph } from '../../../gpu-runner/engine/trainingGraph.ts';
import type { Objective } from '../../../gpu-runner/engine/objective.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { logitsOf } from './evaluate.ts';
import { clouds, denseNet } from './tinyNets.ts';

const objective: Objective = { input: 'x', output: 'logits', data: clouds(), loss: 'softmax-cross-entropy' };
const emitted = (noise: number[][] = []): TrainingGraph => ({
  graph: new Graph(),
  next: { parameters: '', state: [] },
  statistics: new Map(),
  noise,
  losses: [],
  widths: [3, 3],
});
const options = (overrides: Partial<FeederOptions> = {}): FeederOptions => ({
  objectives: [objective],
  emitted: emitted(),
  batchSize: 8,
  seed: 1,
  sessionOptions: { provider: 'cpu', threads: 1 },
  ...overrides,
});

describe('createFeeder()', () => {
  it('feeds samples with their own labels', async () => {
    const feeder = await createFeeder(options());
    const { 'batch/0/input': input, 'batch/0/labels': labels } = await feeder.feeds(3);
    expect([input?.dims, labels?.dims]).toEqual([[8, 2], [8]]);
    const all = clouds();
    Array.from(labels?.data ?? [], Number).forEach((label, row) => {
      const point = Array.from(input?.data.slice(2 * row, 2 * row + 2) ?? [], Number);
      const found = Array.from(all.labels.keys()).find(
        (index) => Array.from(all.inputs([index])).join() === point.join(),
      );
      expect(all.labels[found ?? -1]).toBe(label);
    });
  });

  it('is a function of the step, other data sets in another order', async () => {
    const twice = options({ objectives: [objective, objective], emitted: emitted([[50]]) });
    const [one, two] = [await createFeeder(twice), await createFeeder(twice)];
    await two.feeds(0);
    const feeds = await one.feeds(7);
    expect(await two.feeds(7)).toEqual(feeds);
    expect(await two.feeds(8)).not.toEqual(feeds);
    expect(feeds['batch/1/labels']).not.toEqual(feeds['batch/0/labels']);
  });

  it('gives every Dropout its own uniform noise in [0, 1)', async () => {
    const feeder = await createFeeder(
      options({
        emitted: emitted([
          [100, 100],
          [100, 100],
        ]),
      }),
    );
    const { 'noise/0': first, 'noise/1': second } = await feeder.feeds(0);
    const numbers = Array.from(first?.data ?? [], Number);
    expect(first?.dims).toEqual([100, 100]);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    // Five standard errors of the mean of 10,000.
    expect(Math.abs(numbers.reduce((sum, value) => sum + value, 0) / 1e4 - 0.5)).toBeLessThan(0.0145);
    expect(second).not.toEqual(first);
  });

  it('asks the teacher about the same samples, and leaves out labels that do not count', async () => {
    const graph = denseNet(2, 4, 3, 9);
    const objectives = [{ ...objective, teacher: { graph, distillation: 1, temperature: 2 } }];
    const feeder = await createFeeder(options({ objectives }));
    const feeds = await feeder.feeds(2);
    await feeder.release();
    const { 'batch/0/input': input, 'batch/0/teacher': logits } = feeds;
    expect(Object.keys(feeds)).toEqual(['batch/0/input', 'batch/0/teacher']);
    const data = { ...clouds(), size: 8, inputs: () => Float32Array.from(input?.data ?? [], Number) };
    expect(Array.from(logits?.data ?? [], Number)).toEqual((await logitsOf(graph, data)).flat());
  });

  it('refuses a teacher of several outputs', async () => {
    const graph = denseNet();
    graph.outputs.push({ name: 'r', dtype: 'float32', dims: ['N', 8] });
    const objectives = [{ ...objective, teacher: { graph, distillation: 1, temperature: 2 } }];
    await expect(createFeeder(options({ objectives }))).rejects.toThrow(
      'Cannot learn from "dense": a teacher has one input and one output, this 1 and 2',
    );
  });
});
