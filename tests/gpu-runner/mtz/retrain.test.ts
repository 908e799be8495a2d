import { describe, expect, test } from 'vitest';
import { parameterNames, withParameters } from '../../../gpu-runner/mtz/parameters.ts';
import { retrain } from '../../../gpu-runner/mtz/retrain.ts';
import { jointGraph, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { answerOf, denseInput, denseNet, largestGap, NetBuilder, randomInput } from './nets.ts';
import { joined, randomSamples, share } from './networks.ts';

const retraining = {
  stepsPerLayer: 0,
  finalSteps: 0,
  batchSize: 10,
  learningRate: 0.02,
  weightDecay: 0,
  distillation: 1,
  temperature: 1,
};
const originals = [denseNet(1), denseNet(2)];
const lessons = ['digit', 'fashion'].map((task, index) => ({
  task,
  data: randomSamples(denseInput, 100, index),
  original: originals[index] ?? denseNet(1),
}));

describe('retrain', () => {
  test('retrain() by distillation brings every task closer to its own net, and moves every weight', async () => {
    const before = await share(joined(originals, 'one-way'), 'fc1', 6);
    const steps: number[] = [];
    const options = {
      retraining,
      steps: 150,
      seed: 1,
      provider: 'cpu',
      onProgress: ({ step }: { step: number }) => void steps.push(step),
    } as const;
    const { network: after } = await retrain(before, lessons, options);
    expect(Math.max(...steps)).toBe(150);
    const x = randomInput([50, 6], 9);
    for (const { task, original } of lessons) {
      const target = softmax(await answerOf(original, x));
      const gap = async (network: typeof before): Promise<number> =>
        largestGap(softmax(await answerOf(taskGraph(network, task), x)), target);
      expect(await gap(after)).toBeLessThan(0.7 * (await gap(before)));
    }
    const [old, now] = [jointGraph(before).initializers, jointGraph(after).initializers];
    for (const name of parameterNames(before)) expect(now.get(name)).not.toEqual(old.get(name));
  });

  test('retrain() for no steps is the same network', async () => {
    const network = joined(originals, 'crossed');
    const options = { retraining, steps: 0, seed: 1, provider: 'cpu' } as const;
    expect((await retrain(network, lessons, options)).network).toBe(network);
  });

  test('retrain() stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const options = { retraining, steps: 5, seed: 1, provider: 'cpu', signal } as const;
    await expect(retrain(joined(originals, 'crossed'), lessons, options)).rejects.toThrow('enough');
  });

  test('parameterNames() are the weights and biases of the graph, without the bounds of Clip', () => {
    const net = new NetBuilder(1, [4]).dense('fc1', 4, 3);
    net.graph.initializers.set('six', { dtype: 'float32', dims: [], data: Float32Array.of(6) });
    const network = joined([net.op('Clip', ['', 'six']).dense('fc2', 3, 2).end()], 'crossed');
    const inGraph = [...jointGraph(network).initializers.keys()];
    expect(inGraph).toContain('constant.6');
    expect(parameterNames(network).sort()).toEqual(inGraph.filter((name) => name !== 'constant.6').sort());
  });

  test('withParameters() takes the weights over as they are, and refuses ones that are missing or misfit', async () => {
    const network = await share(joined(originals, 'crossed'), 'fc1', 4);
    const { initializers } = jointGraph(network);
    const again = withParameters(network, initializers);
    expect(jointGraph(again).initializers).toEqual(initializers);
    const short = new Map(initializers).set('fc1.digit.bias', {
      dtype: 'float32',
      dims: [1],
      data: new Float32Array(1),
    });
    expect(() => withParameters(network, short)).toThrow(
      'Cannot take over "fc1.digit.bias": the graph does not hold its 4 float32 values',
    );
    expect(() => withParameters(network, new Map())).toThrow('Cannot take over');
  });
});

/** Probabilities of rows of 3 logits. */
function softmax(logits: Float32Array): Float64Array {
  return Float64Array.from(logits, (value, index) => {
    const start = index - (index % 3);
    const sum = [0, 1, 2].reduce((total, k) => total + Math.exp(logits[start + k] ?? NaN), 0);
    return Math.exp(value) / sum;
  });
}
