import { describe, expect, test } from 'vitest';
import { buildNet } from '../../../bench/zip/nets.ts';
import { keptWithin, leastChannels, pruneChannels, sizeWith } from '../../../bench/zip/pruneChannels.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { matrix, plus } from '../../../gpu-runner/linalg/matrix.ts';
import { multiply } from '../../../gpu-runner/linalg/multiply.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { countMacs } from '../../../gpu-runner/mtz/count.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { randomMatrix } from '../../gpu-runner/linalg/samples.ts';

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

describe('leastChannels()', () => {
  const [channels, wide] = [5, 2];
  const n = channels * wide + 1;
  const weights = randomMatrix(3, n, 1);

  test('takes the channel that is missed least when the others make up for it, then the next', async () => {
    const mixed = await multiply(randomMatrix(30, n, 2), randomMatrix(n, n, 3));
    const damping = matrix(n, n);
    for (let q = 0; q < n; q += 1) damping.data[q * n + q] = 0.5;
    const gram = plus(await multiply(mixed, mixed, { transposeA: true }), damping);
    const lossWithout = async (gone: readonly number[]): Promise<number> => {
      const kept = Array.from({ length: n }, (_, q) => q).filter((q) => !gone.includes(Math.floor(q / wide)));
      const { losses } = await absorbDropped(weights, gram, kept);
      return losses.reduce((sum, loss) => sum + loss, 0);
    };
    const gone: number[] = [];
    for (let k = 0; k < 3; k += 1) {
      const left = [0, 1, 2, 3, 4].filter((channel) => !gone.includes(channel));
      const losses = await Promise.all(left.map((channel) => lossWithout([...gone, channel])));
      gone.push(left[losses.indexOf(Math.min(...losses))] ?? -1);
    }
    await expect(leastChannels(weights, gram, channels, 3)).resolves.toEqual(gone);
  });
});

describe('sizeWith()', () => {
  test('counts a network that loses nothing as it is', () => {
    expect(sizeWith(graph, new Map()).macs).toBe(countMacs(graph));
  });

  test('takes off the rows of what goes and the columns that read it', () => {
    const [all, some] = [sizeWith(graph, new Map()), sizeWith(graph, new Map([['conv1', 3]]))];
    expect(all.parameters - some.parameters).toBe(3 * 9 + 1 + 6 * 9);
  });
});

describe('keptWithin()', () => {
  test('leaves as many channels as the budget allows, the same fraction of every layer', () => {
    const kept = keptWithin(graph, { of: 'macs', atMost: 0.6 }, () => true);
    expect(kept.get('conv1')).toBe(2);
    expect(kept.has('dense')).toBe(false);
    const ratio = sizeWith(graph, kept).macs / countMacs(graph);
    expect(ratio).toBeGreaterThan(0.35);
    expect(ratio).toBeLessThanOrEqual(0.6);
  });

  test('refuses what the other layers alone are above', () => {
    expect(() => keptWithin(graph, { of: 'parameters', atMost: 0.5 }, (channels) => channels === 4)).toThrow(
      'Cannot leave 50 % of the parameters: other layers have more',
    );
  });
});

describe('pruneChannels()', () => {
  test('answers as before where all channels stay', async () => {
    const pruned = await pruneChannels(graph, new Map(), context);
    expect(await distance(pruned, graph)).toBeLessThan(1e-4);
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
    const silent = [0, 1, 2, 3, 4, 5].filter((channel) =>
      pruned.initializers
        .get('conv2.pruned.weight')
        ?.data.slice(channel * 36, (channel + 1) * 36)
        .every((value) => value === 0),
    );
    expect(silent).toHaveLength(1);
    expect([0, 5]).toContain(silent[0]);
    expect(await distance(pruned, doubled)).toBeLessThan((await distance(graph, doubled)) / 20);
  });

  test('refuses a layer that several others read', async () => {
    const residual = buildNet({ kind: 'residual', widths: [4, 6], blocks: 1 }, 3, 1);
    const sources = [{ task: 'pruned', graph: residual, train: data }];
    await expect(pruneChannels(residual, new Map([['stem', 2]]), { ...context, sources })).rejects.toThrow(
      'Cannot prune stem: several layers read it',
    );
  });
});
