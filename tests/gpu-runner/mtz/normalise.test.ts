import { describe, expect, test } from 'vitest';
import { denormalised, normalised } from '../../../gpu-runner/mtz/normalise.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { withParameters } from '../../../gpu-runner/mtz/parameters.ts';
import { jointGraph, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { recipe } from '../../../shared/recipe.ts';
import { answerOf, largestGap, outputsOf, randomInput } from './nets.ts';
import { resnet } from './nets/resnet.ts';
import { joined, randomSamples, share } from './networks.ts';

const originals = [resnet({ seed: 1 }), resnet({ seed: 2 })];
const options = { seed: 1, provider: 'cpu' } as const;
const dims = [3, 8, 8];
const data = [0, 1].map((task) => randomSamples(dims, 80, task));

/** Two residual networks with the stem half shared. */
function network(batchNorm: 'fold' | 'per-task'): Promise<Network> {
  const whole = joined(originals, 'crossed', batchNorm);
  return share(whole, whole.topology.groups[1]?.name ?? '', 2);
}

const forms = [false, true].map((isJoined) => ({ isJoined }));

/** How far the answers of two joint graphs are from each other. */
async function gap(tasks: readonly string[], one: Graph, other: Graph): Promise<number> {
  const feeds = Object.fromEntries(one.inputs.map(({ name }, k) => [name, randomInput([4, ...dims], k)]));
  const [a, b] = [await outputsOf(one, feeds), await outputsOf(other, feeds)];
  const floats = (outputs: typeof a, task: string): ArrayLike<number> => {
    const tensor = outputs[task];
    if (tensor?.dtype !== 'float32') throw new Error(`no answer of ${task}`);
    return tensor.data;
  };
  return Math.max(...tasks.map((task) => largestGap(floats(a, task), floats(b, task))));
}

describe('normalised', () => {
  test.each(forms)(
    'normalises every channel that a task normalises by itself, and answers as before (joined: $isJoined)',
    async ({ isJoined }) => {
      const zipped = await network('per-task');
      const graph = jointGraph(zipped, { joined: isJoined });
      const { graph: normalising, normalisations } = await normalised(zipped, graph, data, options);
      const own = zipped.topology.steps.filter((step) => step.kind === 'channelwise' && step.perTask);
      const channels = normalisations.flatMap(({ scales }) =>
        scales.flatMap((name) => normalising.initializers.get(name)?.dims ?? []),
      );
      const widths = own.map(({ output }) => {
        const [segment] = zipped.topology.values[output]?.segments ?? [];
        return zipped.groups[segment?.group ?? -1] ?? [];
      });
      const expected = widths.flatMap((blocks) =>
        blocks.map(({ tasks, sources }) => sources.length * (tasks === 3 ? 2 : 1)),
      );
      expect(sum(channels)).toBe(sum(expected));
      expect(await gap(zipped.tasks, normalising, graph)).toBeLessThan(1e-4);
    },
  );

  test('has nothing to do where the normalisations went into the weights', async () => {
    const zipped = await network('fold');
    const graph = jointGraph(zipped);
    const { graph: same, normalisations } = await normalised(zipped, graph, data, options);
    expect(normalisations).toEqual([]);
    expect([...same.initializers]).toEqual([...graph.initializers]);
  });
});

describe('denormalised', () => {
  test.each(forms)(
    'leaves scales and shifts that do what the normalisations do, whatever became of them (joined: $isJoined)',
    async ({ isJoined }) => {
      const zipped = await network('per-task');
      const graph = jointGraph(zipped, { joined: isJoined });
      const { graph: trained, normalisations } = await normalised(zipped, graph, data, options);
      for (const [index, { scales, shifts, mean, variance }] of normalisations.entries())
        for (const [k, name] of [...scales, ...shifts, mean, variance].entries()) {
          const tensor = trained.initializers.get(name);
          if (tensor?.dtype !== 'float32') throw new Error(`no ${name}`);
          const values = tensor.data.map((value, channel) => value * (1 + 0.1 * ((index + k + channel) % 3)));
          trained.initializers.set(name, { ...tensor, data: values });
        }
      const isUnread = (name: string): boolean => !graph.initializers.has(name);
      const plain = withParameters(zipped, denormalised(trained, normalisations), isUnread);
      expect(await gap(zipped.tasks, trained, graph)).toBeGreaterThan(1e-2);
      expect(await gap(zipped.tasks, jointGraph(plain), trained)).toBeLessThan(1e-4);
    },
  );
});

test('retraining normalises by batches, and what comes of it answers nearer to the originals by running statistics', async () => {
  const sources = originals.map((graph, index) => ({
    ...{ task: ['digit', 'fashion'][index] ?? '', graph },
    train: data[index] ?? randomSamples(dims, 80, index),
  }));
  const zipped = async (finalSteps: number): Promise<Network> => {
    const retraining = { stepsPerLayer: 0, finalSteps, batchSize: 40, learningRate: 0.003, distillation: 1 };
    const asked = { wiring: 'crossed', batchNorm: 'per-task', refit: false, gramSamples: 80, retraining };
    return (await zip(sources, recipe.parse(asked), { provider: 'cpu' })).network;
  };
  const [before, after] = [await zipped(0), await zipped(100)];
  const x = randomInput([40, ...dims], 9);
  for (const { task, graph } of sources) {
    const target = softmax(await answerOf(graph, x));
    const distance = async (network: Network): Promise<number> => {
      const answer = softmax(await answerOf(taskGraph(network, task), x));
      return sum(answer.map((value, k) => (value - (target[k] ?? NaN)) ** 2));
    };
    expect(await distance(after)).toBeLessThan(0.5 * (await distance(before)));
  }
});

/** Of rows of three logits. */
function softmax(logits: Float32Array): number[] {
  const powers = [...logits].map(Math.exp);
  return powers.map((power, k) => power / sum(powers.slice(k - (k % 3), k - (k % 3) + 3)));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
