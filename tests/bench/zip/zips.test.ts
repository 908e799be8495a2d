import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '../../../bench/zip/context.ts';
import { averageWeights, trainJointly } from '../../../bench/zip/controls.ts';
import { untrained } from '../../../bench/zip/rows/row.ts';
import { trainSource, type SourceSpec } from '../../../bench/zip/sources.ts';
import { bestZip, runZip, validationOf } from '../../../bench/zip/zips.ts';
import { quartersContext } from './quarters.ts';

let folder: string;
let started: string[] = [];
let context: Context;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zips-'));
  context = quartersContext(folder, (line) => started.push(line));
});
afterAll(() => rm(folder, { recursive: true }));

const source = (task: string, seed: number): SourceSpec => ({
  ...{ task, data: { set: 'cifar10' }, seed },
  net: { kind: 'vgg-11', widths: [4, 4, 4, 6], normalised: true },
  training: { steps: 12, batchSize: 16, learningRate: 0.02, weightDecay: 0 },
});
const pair = [source('one', 1), source('other', 2)];
const same = [source('one', 1), source('twin', 1)];
const base = {
  wiring: 'crossed',
  batchNorm: 'fold',
  gramSamples: 32,
  damping: 1e-4,
  retraining: untrained,
} as const;

describe('merges and controls', () => {
  test('twins merge without a loss, and are counted as one trunk with two last layers', async () => {
    const merged = await runZip(context, { label: 'twins', sources: same, recipe: base });
    for (const task of ['one', 'twin']) expect(merged.scores[task]).toEqual(merged.separate[task]);
    const last = 4 * 6 + 4;
    expect(merged.size.parameters).toBe((merged.separateSize.parameters - 2 * last) / 2 + 2 * last);
    expect(merged.size.macs).toBe(merged.separateSize.macs / 2 + 4 * 6);
    expect(Object.values(merged.shares)).toEqual([4, 4, 4, 4, 6, 6, 6, 6]);
    for (const { lost, won } of Object.values(merged.paired ?? {})) expect([lost, won]).toEqual([0, 0]);
    const averaged = await averageWeights(context, 'twins', same);
    expect(averaged.scores).toEqual(merged.scores);
  });

  test('what is lost and won on the test images is what the scores differ by', async () => {
    const { paired, scores, separate } = await averageWeights(context, 'apart', pair);
    const counts = Object.entries(paired ?? {});
    expect(counts.map(([task]) => task)).toEqual(['one', 'other']);
    for (const [task, { lost, won, images }] of counts) {
      const change = (separate[task]?.test ?? NaN) - (scores[task]?.test ?? NaN);
      expect((lost - won) / images).toBeCloseTo(change, 9);
      expect(images).toBe(40);
    }
    expect(counts.some(([, { lost, won }]) => lost + won > 0)).toBe(true);
  });

  test('what was done is not done again, whatever its tasks are called', async () => {
    started = [];
    await trainSource(context, source('another name', 1));
    await runZip(context, { label: 'twins', sources: same, recipe: base });
    expect(started).toEqual([]);
  });

  test('the best recipe is chosen on validation samples', async () => {
    const candidates = (['optimal', 'random'] as const).map((matching) => ({
      ...{ label: 'pair', sources: pair },
      recipe: { ...base, matching },
    }));
    const { outcome } = await bestZip(context, candidates);
    const each = [];
    for (const candidate of candidates) each.push(validationOf(await runZip(context, candidate)));
    expect(validationOf(outcome)).toBe(Math.max(...each));
    await expect(bestZip(context, [])).rejects.toThrow('Cannot choose: there are no candidates');
  });

  test('networks trained jointly cost what a full merge costs, but for the scales of normalisation', async () => {
    const joint = await trainJointly(context, 'pair', pair, 4);
    const merged = await runZip(context, { label: 'pair', sources: pair, recipe: base });
    expect(joint.size?.macs).toBe(merged.size.macs);
    expect(joint.size?.parameters).toBe(merged.size.parameters + 40);
    expect(joint.steps).toBe(4);
    expect(Object.keys(joint.scores)).toEqual(['one', 'other']);
  });

  test('residual networks of three tasks merge with normalisation per task, and stand beside their controls', async () => {
    const sources = ['a', 'b', 'c'].map((task, index): SourceSpec => ({
      ...source(task, index + 1),
      net: { kind: 'residual', widths: [3, 4], blocks: 1 },
    }));
    const spec = { label: 'residual', sources };
    const retraining = { ...untrained, finalSteps: 2, batchSize: 16, learningRate: 0.001, distillation: 1 };
    const recipe = { ...base, share: { share: 0.7 }, batchNorm: 'per-task', retraining } as const;
    const { steps, size, separateSize, scores } = await runZip(context, { ...spec, recipe });
    expect(steps).toBe(2);
    expect(size.parameters).toBeLessThan(separateSize.parameters);
    expect(Object.keys(scores)).toEqual(['a', 'b', 'c']);
    const joint = await trainJointly(context, 'residual', sources, 2);
    const averaged = await averageWeights(context, 'residual', sources);
    expect(averaged.size).toEqual(joint.size);
  });
});
