import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '../../../bench/zip/context.ts';
import type { Jobs } from '../../../bench/zip/jobs.ts';
import { pruneApart, type ApartSpec } from '../../../bench/zip/pruneApart.ts';
import { bestApart } from '../../../bench/zip/rows/apart.ts';
import { untrained } from '../../../bench/zip/rows/row.ts';
import type { SourceSpec } from '../../../bench/zip/sources.ts';
import { runZip, validationOf } from '../../../bench/zip/zips.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { quartersContext } from './quarters.ts';

let folder: string;
let context: Context;
const started: string[] = [];
/** What jobs kept, by the beginning of their names. */
const nets = new Map<string, Graph>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apart-'));
  const given = quartersContext(folder, (line) => started.push(line));
  const run: Jobs['run'] = async (job, compute) => {
    const done = await given.jobs.run(job, compute);
    if (job.kind === 'pruned-retrained') nets.set(job.label, await done.graph());
    return done;
  };
  context = { ...given, jobs: { run } };
});
afterAll(() => rm(folder, { recursive: true }));

const sources = ['one', 'other'].map((task, index): SourceSpec => ({
  ...{ task, data: { set: 'cifar10' }, seed: index + 1 },
  net: { kind: 'residual', widths: [4, 6], blocks: 1, stemStride: 2 },
  training: { steps: 12, batchSize: 16, learningRate: 0.02, weightDecay: 0 },
}));
const spec: ApartSpec = {
  ...{ label: 'half', sources, budget: { of: 'parameters', atMost: 0.5 }, fromWidth: 0 },
  ...{ gramSamples: 32, damping: 1e-2, batchNorm: 'per-task' },
};
const retraining = {
  ...{ ...untrained, finalSteps: 3, batchSize: 16, learningRate: 0.01, distillation: 1 },
  batchSizes: { other: 8 },
};

describe('pruneApart()', () => {
  test('counts what is left as merged networks are counted', async () => {
    const { size, separateSize, steps, scores } = await pruneApart(context, spec);
    const recipe = {
      wiring: 'crossed',
      batchNorm: 'per-task',
      gramSamples: 32,
      retraining: untrained,
    } as const;
    const merged = await runZip(context, { label: 'merged', sources, recipe });
    expect(separateSize).toEqual(merged.separateSize);
    expect(size?.parameters).toBeLessThanOrEqual(merged.separateSize.parameters / 2);
    expect(size?.macs).toBeLessThan(merged.separateSize.macs);
    expect(steps).toBe(0);
    expect(Object.keys(scores)).toEqual(['one', 'other']);
  });

  test('retrains what is left of each network, and what went stays 0', async () => {
    const bare = await pruneApart(context, spec);
    const outcome = await pruneApart(context, { ...spec, retraining });
    expect(outcome.steps).toBe(3);
    expect(outcome.size).toEqual(bare.size);
    expect(outcome.scores).not.toEqual(bare.scores);
    for (const task of ['one', 'other']) {
      const graph = nets.get(`half-${task}`);
      if (!graph) throw new Error(`No network of "${task}" was kept`);
      const left = (name: string): number => channelsLeft(graph, `${name}.${task}`);
      expect([left('stem'), left('stage0.block0.b'), left('stage0.block0.a')]).toEqual([2, 2, 2]);
      expect([left('stage1.block0.b'), left('stage1.block0.shortcut')]).toEqual([4, 4]);
    }
  });

  test('does nothing again that is done', async () => {
    started.length = 0;
    await pruneApart(context, { ...spec, retraining });
    await pruneApart(context, spec);
    expect(started).toEqual([]);
  });

  test('keeps the results that were measured before batch normalisation could stay and networks be retrained', async () => {
    const jobs: object[] = [];
    const record: Jobs['run'] = (job, compute) => {
      if (job.kind === 'pruned-channels') jobs.push(job);
      return context.jobs.run(job, compute);
    };
    const { batchNorm, ...before } = spec;
    expect(batchNorm).toBe('per-task');
    await pruneApart({ ...context, jobs: { run: record } }, before);
    const options = { budget: spec.budget, fromWidth: 0, gramSamples: 32, damping: 1e-2 };
    expect(jobs).toEqual([
      {
        ...{ kind: 'pruned-channels', version: 1, label: 'half' },
        settings: { sources, ...options },
      },
    ]);
  });
});

describe('bestApart()', () => {
  test('chooses on validation samples', async () => {
    const candidates = [1e-2, 10].map((damping) => ({ ...spec, damping }));
    const { outcome } = await bestApart(context, candidates);
    const each = [];
    for (const candidate of candidates) each.push(validationOf(await pruneApart(context, candidate)));
    expect(validationOf(outcome)).toBe(Math.max(...each));
    await expect(bestApart(context, [])).rejects.toThrow('Cannot choose: there are no candidates');
  });
});

/** The channels of a layer that have weights or a bias that is not 0. */
function channelsLeft(graph: Graph, layer: string): number {
  const { data: weight, dims } = graph.initializers.get(`${layer}.weight`) ?? { data: [], dims: [0] };
  const channels = dims[0] ?? 0;
  const bias = graph.initializers.get(`${layer}.bias`)?.data ?? [];
  const wide = weight.length / channels;
  return Array.from({ length: channels }, (_, channel) => channel).filter(
    (channel) =>
      bias[channel] !== 0 ||
      Array.from(weight.slice(channel * wide, (channel + 1) * wide), Number).some((value) => value !== 0),
  ).length;
}
