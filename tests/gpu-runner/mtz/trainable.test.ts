import { expect, test } from 'vitest';
import { gradientRules } from '../../../gpu-runner/engine/autodiff/rules.ts';
import { float, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import { retrain } from '../../../gpu-runner/mtz/retrain.ts';
import { activations } from '../../../gpu-runner/mtz/read/activations.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { recipe } from '../../../shared/recipe.ts';
import { denseInput, NetBuilder } from './nets.ts';
import { joined, randomSamples, taskName } from './networks.ts';

const readAs: Readonly<Record<string, string>> = { Mish: 'Tanh', Softsign: 'Div', Celu: 'Elu' };

const netWith = (op: string, seed: number): Graph =>
  new NetBuilder(seed, denseInput, 'vector')
    .dense('fc1', 6, 8)
    .op(op, [], op === 'Elu' || op === 'Celu' ? { alpha: float(0.5) } : {})
    .dense('fc2', 8, 3)
    .end();

test('every activation that a network is read with can be trained through', () => {
  expect(Object.keys(activations).length).toBeGreaterThan(14);
  for (const op of Object.keys(activations)) {
    const network = joined([netWith(op, 1)], 'one-way');
    expect(network.tails, op).toEqual([null]);
    for (const node of taskGraph(network, 'digit').nodes)
      expect(gradientRules.has(node.op), `${op} is read as ${node.op}`).toBe(true);
  }
});

test.each([
  'HardSwish',
  'HardSigmoid',
  'Gelu',
  'Elu',
  'Selu',
  'Softplus',
  'Erf',
  'Abs',
  'Mish',
  'Softsign',
  'Celu',
])('retraining through %s lowers the loss', async (op) => {
  const graphs = [netWith(op, 1), netWith(op, 2)];
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
  expect(taskGraph(trained.network, 'digit').nodes.some((node) => node.op === (readAs[op] ?? op))).toBe(true);
});
