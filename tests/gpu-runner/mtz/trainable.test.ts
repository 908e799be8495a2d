import { expect, test } from 'vitest';
import { gradientRules } from '../../../gpu-runner/engine/autodiff/rules.ts';
import { float } from '../../../gpu-runner/onnx/graph.ts';
import { retrain } from '../../../gpu-runner/mtz/retrain.ts';
import { activations } from '../../../gpu-runner/mtz/read/activations.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { recipe } from '../../../shared/recipe.ts';
import { denseInput, NetBuilder } from './nets.ts';
import { joined, randomSamples, taskName } from './networks.ts';

test('every activation that a network is read with can be trained through', () => {
  expect(Object.keys(activations).length).toBeGreaterThan(14);
  for (const op of Object.keys(activations)) expect(gradientRules.has(op), op).toBe(true);
});

test.each(['HardSwish', 'HardSigmoid', 'Gelu', 'Elu', 'Selu', 'Softplus', 'Erf', 'Abs'])(
  'retraining through %s lowers the loss',
  async (op) => {
    const net = (seed: number) =>
      new NetBuilder(seed, denseInput, 'vector')
        .dense('fc1', 6, 8)
        .op(op, [], op === 'Elu' ? { alpha: float(0.5) } : {})
        .dense('fc2', 8, 3)
        .end();
    const graphs = [net(1), net(2)];
    const losses: number[] = [];
    const { retraining } = recipe.parse({
      wiring: 'one-way',
      share: { share: 1 },
      retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 16, learningRate: 0.05, distillation: 0 },
    });
    const network = joined(graphs, 'one-way');
    const lessons = graphs.map((graph, task) => {
      const data = randomSamples(denseInput, 48, task);
      return { task: taskName(task), data, original: graph };
    });
    const trained = await retrain(network, lessons, {
      ...{ retraining, steps: 60, seed: 1, provider: 'cpu' },
      onProgress: ({ losses: now }) => losses.push(now.reduce((sum, loss) => sum + loss, 0)),
    });
    const mean = (of: readonly number[]): number => of.reduce((sum, each) => sum + each, 0) / of.length;
    expect(mean(losses.slice(-6))).toBeLessThan(0.95 * mean(losses.slice(0, 3)));
    expect(taskGraph(trained.network, 'digit').nodes.some((node) => node.op === op)).toBe(true);
  },
);
