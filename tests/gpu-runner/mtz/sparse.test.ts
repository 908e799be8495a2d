import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import { partsOf } from '../../../gpu-runner/mtz/parameters.ts';
import { jointGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { densityOf, densityOfGraph, prunedNotes } from '../../../gpu-runner/mtz/zeros.ts';
import { zip, type Source } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { denseNet } from './nets.ts';
import { randomSamples } from './networks.ts';
import { mobilenetV1 } from './nets/mobilenet.ts';

const options = { provider: 'cpu' } as const;

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    ...{ wiring: 'crossed', gramSamples: 60, sparse: true },
    retraining: { stepsPerLayer: 6, finalSteps: 6, batchSize: 16, learningRate: 0.05, distillation: 1 },
    ...asked,
  });

/** The same network with some elements of some tensors at 0. */
function pruned(graph: Graph, isGone: (name: string, index: number) => boolean): Graph {
  const copy = graph.clone();
  for (const [name, tensor] of graph.initializers)
    if (tensor.dtype === 'float32')
      copy.initializers.set(name, {
        ...tensor,
        data: tensor.data.map((value, index) => (isGone(name, index) ? 0 : value)),
      });
  return copy;
}

const valuesOf = (graph: Graph, name: string): Float32Array => {
  const tensor = graph.initializers.get(name);
  if (tensor?.dtype !== 'float32') throw new Error(`There are no weights ${name}`);
  return tensor.data;
};

const source = (task: string, graph: Graph, seed: number): Source => ({
  ...{ task, graph },
  train: randomSamples((graph.inputs[0]?.dims.slice(1) ?? []).map(Number), 80, seed),
});

describe('a zip of pruned networks', () => {
  test('keeps every 0 of the denser network of each channel through retraining, single zeros too, and no other weight', async () => {
    // Four of ten in one layer, one in a hundred in another; and biases at 0, which are not pruned.
    const prune = (seed: number): Graph =>
      pruned(
        denseNet(seed, { fc1: 12, fc2: 12 }),
        (name, index) =>
          name.endsWith('.bias') ||
          (name === 'fc1.weight' && (index * 7 + seed) % 10 < 2 + 2 * seed) ||
          (name === 'fc2.weight' && index === 40 + seed) ||
          (name === 'fc3.weight' && index === seed),
      );
    const nets = { digit: prune(1), fashion: prune(2) };
    const { network, sharing } = await zip(
      [source('digit', nets.digit, 1), source('fashion', nets.fashion, 2)],
      recipeOf(),
      options,
    );
    const graph = jointGraph(network);
    const isZero = (values: Iterable<number>): boolean[] => Array.from(values, (value) => value === 0);
    const ones = (zeros: readonly boolean[]): number => zeros.filter((zero) => !zero).length;
    /** A task's own row of weights, its columns as the zipped layer reads them. */
    const rowOf = (task: 'digit' | 'fashion', layer: string, channel: number, below: readonly number[]) =>
      below.map((column) => valuesOf(nets[task], `${layer}.weight`)[channel * below.length + column] ?? NaN);
    let below = { digit: [0, 1, 2, 3, 4, 5], fashion: [0, 1, 2, 3, 4, 5] };
    for (const { layer, channels } of sharing) {
      const merged = valuesOf(graph, `${layer}.digit+fashion.weight`);
      const width = below.digit.length;
      for (const [row, { digit = -1, fashion = -1 }] of channels.entries()) {
        const a = isZero(rowOf('digit', layer, digit, below.digit));
        const b = isZero(rowOf('fashion', layer, fashion, below.fashion));
        expect(isZero(merged.subarray(row * width, (row + 1) * width))).toEqual(ones(a) >= ones(b) ? a : b);
      }
      below = {
        digit: channels.map(({ digit = -1 }) => digit),
        fashion: channels.map(({ fashion = -1 }) => fashion),
      };
      expect(isZero(valuesOf(graph, `${layer}.digit+fashion.bias`))).not.toContain(true);
    }
    expect(sharing).toHaveLength(2);
    for (const task of ['digit', 'fashion'] as const) {
      const own = valuesOf(graph, `fc3.${task}.weight`);
      const before = Float32Array.from(
        [0, 1, 2].flatMap((channel) => rowOf(task, 'fc3', channel, below[task])),
      );
      expect(isZero(own)).toEqual(isZero(before));
      expect(ones(isZero(own))).toBe(own.length - 1);
      for (const [index, value] of own.entries()) if (value !== 0) expect(value).not.toBe(before[index]);
      expect(isZero(valuesOf(graph, `fc3.${task}.bias`))).not.toContain(true);
    }
  });

  test.each(['one-way', 'crossed'] as const)(
    'keeps the zeros of depthwise and other convolutions (%s)',
    async (wiring) => {
      // The middle of every window, in every channel: pairing cannot move it elsewhere.
      const net = (seed: number): Graph => {
        const graph = mobilenetV1({ seed });
        return pruned(graph, (name, index) => graph.initializers.get(name)?.dims[2] === 3 && index % 9 === 4);
      };
      const { network } = await zip(
        [source('digit', net(1), 1), source('fashion', net(2), 2)],
        recipeOf({ wiring, share: { share: 0.5 } }),
        options,
      );
      let windows = 0;
      for (const { step, part } of partsOf(network)) {
        if (step.convolution?.kernel.join() !== '3,3') continue;
        for (const [index, value] of part.weight.data.entries()) {
          if (index % 9 === 4) expect(Math.abs(value)).toBe(0);
          else windows += value === 0 ? 0 : 1;
        }
      }
      expect(windows).toBeGreaterThan(100);
    },
  );

  test('that is not asked to keep the zeros says so', async () => {
    const third = pruned(denseNet(1), (name, index) => name.endsWith('.weight') && index % 3 === 0);
    const sources = [source('digit', third, 1), source('fashion', denseNet(2), 2)];
    const { notes } = await zip(sources, recipeOf({ sparse: false }), options);
    const { weights, ones } = densityOfGraph(third);
    expect(weights).toBe(6 * 8 + 8 * 6 + 6 * 3);
    expect(ones).toBe(weights - 16 - 16 - 6);
    expect(notes).toEqual(['33 % of the weights of "digit" are 0; they will not stay 0: use --sparse']);
    expect(prunedNotes(sources, { sparse: true })).toEqual([]);
    const kept = await zip(sources, recipeOf({ share: { share: 0 } }), options);
    expect(kept.notes).toEqual([]);
    expect(densityOf(kept.network)).toEqual({ weights: 2 * weights, ones: weights + ones });
  });
});
