import { describe, expect, test } from 'vitest';
import { buildNet } from '../../../bench/zip/nets.ts';
import { pruneChannels } from '../../../bench/zip/pruneChannels.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import type { Network } from '../../../gpu-runner/mtz/network.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';

const graph = buildNet({ kind: 'vgg-11', widths: [4, 6, 8, 8], normalised: true }, 3, 5);
const random = new Random(2);
const samples = 24;
const images = Float32Array.from({ length: samples * 3 * 32 * 32 }, () => random.uniform());
const data = memoryDataset({
  sampleDims: [3, 32, 32],
  classes: 3,
  labels: Int32Array.from({ length: samples }, (_, index) => index % 3),
  inputs: images,
});
const context = {
  sources: [{ task: 'pruned', graph, train: data }],
  recipe: { damping: 1e-3, gramSamples: samples, seed: 1, matching: 'optimal' },
  provider: 'cpu',
} as const;

const alone = (network: Network): Graph => taskGraph(network, 'pruned');

/** The channels of a layer that it puts out nothing of, whatever it reads: those whose weights and bias are 0. */
function silent(network: Network, layer: string): number[] {
  const { weight, bias } = network.rows.get(layer)?.[0]?.parts[0] ?? {};
  if (!weight || !bias) throw new Error(`The network has no ${layer}`);
  return Array.from({ length: weight.rows }, (_, channel) => channel).filter((channel) => {
    const own = weight.data.subarray(channel * weight.cols, (channel + 1) * weight.cols);
    return bias[channel] === 0 && own.every((value) => value === 0);
  });
}

/** The channels that a layer has no weights for, of so many columns each. */
function unread(network: Network, layer: string, wide: number): number[] {
  const { weight } = network.rows.get(layer)?.[0]?.parts[0] ?? {};
  if (!weight) throw new Error(`The network has no ${layer}`);
  return Array.from({ length: weight.cols / wide }, (_, channel) => channel).filter((channel) =>
    weight.data.every((value, at) => Math.floor((at % weight.cols) / wide) !== channel || value === 0),
  );
}

async function answers(of: Graph): Promise<Float32Array> {
  const session = await createSession(of, { provider: 'cpu' });
  try {
    const image = { dtype: 'float32', dims: [samples, 3, 32, 32], data: images } as const;
    const [answer] = Object.values(await session.run({ [of.inputs[0]?.name ?? '']: image }));
    return answer?.data as Float32Array;
  } finally {
    await session.release();
  }
}

/** Largest difference of two networks' answers. */
async function distance(one: Graph, other: Graph): Promise<number> {
  const [a, b] = [await answers(one), await answers(other)];
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? NaN))));
}

describe('pruneChannels()', () => {
  test('answers as before where all channels stay', async () => {
    const pruned = await pruneChannels(graph, new Map(), context);
    expect(await distance(alone(pruned), graph)).toBeLessThan(1e-4);
  });

  test('loses nothing where one of two equal channels goes', async () => {
    const doubled = graph.clone();
    const weight = doubled.initializers.get('conv2.weight');
    if (weight?.dtype !== 'float32') throw new Error('The network has no second convolution');
    const equal = weight.data.slice().copyWithin(0, 5 * 4 * 9, 6 * 4 * 9);
    doubled.initializers.set('conv2.weight', { ...weight, data: equal });
    const pruned = await pruneChannels(doubled, new Map([['conv2', 5]]), {
      ...context,
      recipe: { ...context.recipe, damping: 1e-8 },
      sources: [{ task: 'pruned', graph: doubled, train: data }],
    });
    const gone = silent(pruned, 'conv2');
    expect(gone).toHaveLength(1);
    expect([0, 5]).toContain(gone[0]);
    expect(unread(pruned, 'conv3', 9)).toEqual(gone);
    expect(await distance(alone(pruned), doubled)).toBeLessThan((await distance(graph, doubled)) / 20);
  });

  test('refuses what is no group of channels that layers read', async () => {
    await expect(pruneChannels(graph, new Map([['dense', 2]]), context)).rejects.toThrow(
      'Cannot prune dense: channels can be taken from conv1, conv2,',
    );
  });
});

describe('pruneChannels() of a residual network', () => {
  const residual = buildNet({ kind: 'residual', widths: [4, 6], blocks: 1 }, 3, 1);
  // As training leaves it: no channel as large as another.
  for (const [name, { dims }] of residual.initializers)
    if (/scale|bias|mean|variance/.test(name))
      residual.initializers.set(name, {
        ...{ dtype: 'float32', dims },
        data: Float32Array.from({ length: dims[0] ?? 0 }, () => random.uniform(0.2, 1.5)),
      });
  const prune = (of: Graph, kept: Record<string, number>, batchNorm?: 'fold' | 'per-task') =>
    pruneChannels(
      of,
      new Map(Object.entries(kept)),
      { ...context, sources: [{ task: 'pruned', graph: of, train: data }] },
      batchNorm,
    );

  test.each(['fold', 'per-task'] as const)(
    'answers as before where all channels stay (%s)',
    async (batchNorm) => {
      const pruned = await prune(residual, {}, batchNorm);
      expect(await distance(alone(pruned), residual)).toBeLessThan(1e-4);
    },
  );

  test.each(['fold', 'per-task'] as const)(
    'takes a channel from all layers whose results are added, and from all that read it (%s)',
    async (batchNorm) => {
      const pruned = await prune(
        residual,
        { stem: 3, 'stage0.block0.a': 2, 'stage1.block0.b': 4 },
        batchNorm,
      );
      const stream = silent(pruned, 'stem');
      expect(stream).toHaveLength(1);
      expect(silent(pruned, 'stage0.block0.b')).toEqual(stream);
      expect(unread(pruned, 'stage0.block0.a', 9)).toEqual(stream);
      expect(unread(pruned, 'stage1.block0.a', 9)).toEqual(stream);
      expect(unread(pruned, 'stage1.block0.shortcut', 1)).toEqual(stream);
      const inner = silent(pruned, 'stage0.block0.a');
      expect(inner).toHaveLength(2);
      expect(unread(pruned, 'stage0.block0.b', 9)).toEqual(inner);
      const last = silent(pruned, 'stage1.block0.b');
      expect(last).toHaveLength(2);
      expect(silent(pruned, 'stage1.block0.shortcut')).toEqual(last);
      expect(unread(pruned, 'dense', 1)).toEqual(last);
      expect(silent(pruned, 'stage1.block0.a')).toEqual([]);
      const scales = [...pruned.rows.keys()].filter((name) =>
        pruned.topology.steps.some((step) => step.name === name && step.kind === 'channelwise'),
      );
      expect(scales).toHaveLength(batchNorm === 'fold' ? 0 : 6);
    },
  );

  test('loses nothing where a channel of the stream is read by nobody', async () => {
    const idle = residual.clone();
    for (const [reader, area] of [
      ['stage0.block0.a', 9],
      ['stage1.block0.a', 9],
      ['stage1.block0.shortcut', 1],
    ] as const) {
      const weight = idle.initializers.get(`${reader}.weight`);
      if (weight?.dtype !== 'float32') throw new Error(`The network has no ${reader}`);
      const read = weight.data.map((value, at) => (Math.floor(at / area) % 4 === 2 ? 0 : value));
      idle.initializers.set(`${reader}.weight`, { ...weight, data: read });
    }
    const pruned = await prune(idle, { stem: 3 });
    expect(silent(pruned, 'stem')).toEqual([2]);
    expect(silent(pruned, 'stage0.block0.b')).toEqual([2]);
    const worse = await prune(idle, { stem: 2 });
    const [free, dear] = [await distance(alone(pruned), idle), await distance(alone(worse), idle)];
    expect(free).toBeLessThan(dear / 20);
  });

  test('fits what reads the stream: it loses less than where the same channels just go', async () => {
    const pruned = await prune(residual, { stem: 2, 'stage1.block0.b': 4 });
    const [early, late] = [silent(pruned, 'stem'), silent(pruned, 'stage1.block0.b')];
    const bare = residual.clone();
    for (const [layers, gone] of [
      [['stem', 'stage0.block0.b'], early],
      [['stage1.block0.b', 'stage1.block0.shortcut'], late],
    ] as const)
      for (const layer of layers)
        for (const name of [`${layer}.scale`, `${layer}.bias`]) {
          const each = bare.initializers.get(name);
          if (each?.dtype !== 'float32') throw new Error(`The network has no ${name}`);
          const left = each.data.map((value, channel) => (gone.includes(channel) ? 0 : value));
          bare.initializers.set(name, { ...each, data: left });
        }
    expect(await distance(alone(pruned), residual)).toBeLessThan((await distance(bare, residual)) / 2);
  });

  test('judges channels by what batch normalisation makes of them, be it folded or not', async () => {
    const kept = { 'stage0.block0.a': 2 };
    const [folded, beside] = [await prune(residual, kept, 'fold'), await prune(residual, kept, 'per-task')];
    const gone = silent(folded, 'stage0.block0.a');
    expect(gone).toHaveLength(2);
    expect(silent(beside, 'stage0.block0.a')).toEqual(gone);
  });
});
