import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DatasetDocument } from '../../../../shared/dataset.ts';
import type { Inspection } from '../../../../shared/inspection.ts';
import { mergeRequest, type MergeRequestInput } from '../../../../shared/jobs.ts';
import type { TensorSpec } from '../../../../shared/manifest.ts';
import type { ModelDocument } from '../../../../shared/registry.ts';
import { askMerge } from '../../../../workers/domain/jobs/ask-merge.ts';
import { removeVersion } from '../../../../workers/domain/registry/delete-version.ts';
import { setAlias } from '../../../../workers/domain/registry/change-item.ts';
import { setEndpoint } from '../../../../workers/domain/set-endpoint.ts';
import { inspectionStatement } from '../../../../workers/store/inspections.ts';
import { listJobs } from '../../../../workers/store/jobs.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { by, freshStores, publish } from '../../fixtures.ts';
import { inspected, mergeOf, mergeProject, recipeOf, registerRow } from '../../jobs.ts';

const tasks = ['digit', 'clothing'];
let stores: Stores;
let project: string;
beforeAll(async () => {
  stores = await freshStores();
});
beforeEach(async () => {
  project = await mergeProject(stores, tasks);
});

const ask = (change: Partial<MergeRequestInput> = {}) =>
  askMerge(stores, { project, owner: 'alice', idempotencyKey: null }, mergeOf(tasks, change), {
    ...by,
    project,
  });
const refused = (change: Partial<MergeRequestInput>, code: string, why: RegExp | string) =>
  expect(ask(change)).rejects.toMatchObject({
    code,
    message: typeof why === 'string' ? why : (expect.stringMatching(why) as string),
  });
const source = (task: string, model = `${task}-net`, data = `${task}-data`) => ({ task, model, data });

/** As if a runner had read `<name>@1`. */
async function inspect(kind: 'models' | 'datasets', name: string, document: Inspection): Promise<void> {
  await inspectionStatement(stores.db, { project, kind, name, version: 1, at: by.at, document });
}
const image = (...dims: number[]): TensorSpec => ({ name: 'image', dtype: 'float32', dims });
const logits = (classes: number): TensorSpec => ({ name: 'logits', dtype: 'float32', dims: [-1, classes] });
const samples = (...sampleDims: number[]): Inspection => ({
  format: 'trunkline.inspection/1',
  kind: 'dataset',
  ...{ samples: 10, sampleDims, classes: 2, labelCounts: [5, 5], badFiles: [], problems: [] },
});

test('references are resolved when the merge is asked for, and stay so', async () => {
  const key = { project, kind: 'models', name: 'digit-net' } as const;
  await setAlias(stores, key, { alias: 'champion', version: 1 }, { ...by, project });
  const sources = [source('digit', 'digit-net@champion', 'digit-data@1'), source('clothing')];
  const { created, job } = await ask({ sources });
  expect(created).toBe(true);
  expect(job.pinned).toMatchObject({
    sources: [{ model: { name: 'digit-net', version: 1 } }, { data: { name: 'clothing-data', version: 1 } }],
  });
  const document: ModelDocument = { format: 'trunkline.model/1', files: [], labels: ['later'] };
  await registerRow(stores, key, document);
  const { rows } = await listJobs(stores.db, project, {});
  expect(rows[0]?.pinned).toEqual(job.pinned);
  // What an open job reads cannot be deleted.
  await expect(
    removeVersion(stores, { project, kind: 'datasets', name: 'digit-data', version: 1 }, by),
  ).rejects.toMatchObject({
    code: 'conflict',
    message: `Cannot delete version 1 of data set "digit-data": job ${job.id} needs it.`,
  });
});

describe('a merge is refused', () => {
  test('when a version or alias does not exist', async () => {
    await refused(
      { sources: [source('digit', 'nobody'), source('clothing')] },
      'not-found',
      'There is no model "nobody".',
    );
    await refused(
      { sources: [source('digit', 'digit-net@7'), source('clothing')] },
      'not-found',
      /has no version 7/,
    );
    await refused(
      { sources: [source('digit', 'digit-net', 'digit-data@best'), source('clothing')] },
      'not-found',
      /has no alias "best"/,
    );
  });

  test('when two sources are of one task', async () => {
    await refused(
      { sources: [source('digit'), source('digit', 'clothing-net')] },
      'unprocessable',
      'Cannot merge into "pair": two sources are of task "digit".',
    );
  });

  test('when labels do not match', async () => {
    await registerRow(
      stores,
      { project, kind: 'models', name: 'ten-net' },
      { format: 'trunkline.model/1', files: [], labels: ['a', 'b', 'c'] },
    );
    await refused(
      { sources: [source('digit', 'ten-net'), source('clothing')] },
      'unprocessable',
      'Cannot merge into "pair": task "digit": model "ten-net@1" has 3 labels, data set "digit-data@1" has 2.',
    );
    await inspect('models', 'digit-net', { ...inspected, inputs: [image(-1, 4)], outputs: [logits(1)] });
    await refused(
      {},
      'unprocessable',
      /model "digit-net@1" answers 1 classes, data set "digit-data@1" has 2 labels\.$/,
    );
  });

  test('when networks or samples have other shapes, as far as runners have looked', async () => {
    const net = { ...inspected, outputs: [logits(2)] };
    await inspect('models', 'digit-net', { ...net, inputs: [image(-1, 1, 28, 28)] });
    await ask();
    // The batch and the name are nobody's business.
    await inspect('models', 'clothing-net', { ...net, inputs: [{ ...image(1, 1, 28, 28), name: 'x' }] });
    await ask();
    await inspect('models', 'clothing-net', { ...net, inputs: [image(-1, 3, 32, 32)] });
    await refused(
      {},
      'unprocessable',
      /model "digit-net@1" reads float32 \[-1, 1, 28, 28\], model "clothing-net@1" reads float32 \[-1, 3, 32, 32\]\.$/,
    );
    await inspect('datasets', 'digit-data', samples(28, 28));
    await refused(
      {},
      'unprocessable',
      /task "digit": model "digit-net@1" reads \[1, 28, 28\] a sample, data set "digit-data@1" has \[28, 28\]\.$/,
    );
    // A dimension that varies takes any.
    await inspect('models', 'digit-net', { ...net, inputs: [image(-1, -1, -1)] });
    await inspect('models', 'clothing-net', { ...net, inputs: [image(-1, -1, -1)] });
    await ask();
  });

  test('when what a data set declares does not fit', async () => {
    const declared = {
      format: 'trunkline.dataset/1',
      files: [],
      source: { kind: 'npz', file: 'a.npz', x: 'x', y: 'y' },
      preprocessing: { layout: [3, 8, 8] },
      labels: ['0', '1'],
      split: { validation: 0.2, seed: 1 },
      allowBad: 0.01,
    } as unknown as DatasetDocument;
    await registerRow(stores, { project, kind: 'datasets', name: 'declared' }, declared);
    await inspect('models', 'digit-net', {
      ...inspected,
      inputs: [image(-1, 1, 28, 28)],
      outputs: [logits(2)],
    });
    await refused(
      { sources: [source('digit', 'digit-net', 'declared'), source('clothing')] },
      'unprocessable',
      /has \[3, 8, 8\]\.$/,
    );
  });

  test('when networks of other channels are not adapted, or differ in more than channels', async () => {
    const net = { ...inspected, outputs: [logits(2)] };
    await inspect('models', 'digit-net', { ...net, inputs: [image(-1, 1, 28, 28)] });
    await inspect('models', 'clothing-net', { ...net, inputs: [image(-1, 3, 28, 28)] });
    await refused(
      {},
      'unprocessable',
      /digit-net@1" reads float32 \[-1, 1, 28, 28\], model "clothing-net@1"/,
    );
    for (const inputChannels of [{ digit: 'luma' }, { clothing: 'repeat' }] as const)
      expect(await ask({ recipe: { ...recipeOf(), inputChannels } })).toHaveProperty('created', true);
    await inspect('models', 'clothing-net', { ...net, inputs: [image(-1, 3, 32, 32)] });
    await refused(
      { recipe: { ...recipeOf(), inputChannels: { digit: 'luma' } } },
      'unprocessable',
      /model "clothing-net@1" reads float32 \[-1, 3, 32, 32\], model "digit-net@1" reads float32 \[-1, 1, 28, 28\]\.$/,
    );
  });

  test('when the recipe asks for what data without labels, or without held-out samples, do not have', async () => {
    const document: DatasetDocument = {
      format: 'trunkline.dataset/1',
      files: [],
      source: { kind: 'npz', file: 'a.npz', x: 'x', y: null },
      preprocessing: null,
      labels: ['0', '1'],
      split: { validation: 0.2, seed: 1 },
      allowBad: 0.01,
    };
    await registerRow(stores, { project, kind: 'datasets', name: 'bare' }, document);
    const labelled = { ...document.source, y: 'y' } as DatasetDocument['source'];
    const whole = { ...document, source: labelled, split: { validation: 0, seed: 1 } };
    await registerRow(stores, { project, kind: 'datasets', name: 'whole' }, whole);
    const blind = [source('digit', 'digit-net', 'bare'), source('clothing')];
    const { retraining, ...rest } = recipeOf();
    const distilled = { ...rest, retraining: { ...retraining, distillation: 1 } };
    const cannot = 'Cannot merge into "pair": recipe.';
    await refused(
      { sources: blind },
      'unprocessable',
      `${cannot}retraining.distillation: data set "bare@1" of task "digit" has no labels to retrain by, set it to 1.`,
    );
    await refused(
      { sources: blind, recipe: { ...distilled, floors: { accuracy: { digit: 0.9 } } } },
      'unprocessable',
      `${cannot}floors.accuracy.digit: data set "bare@1" of task "digit" has no labels to measure accuracy by, leave the floor out.`,
    );
    await refused(
      { recipe: { ...distilled, floors: { accuracy: { letters: 0.9 } } } },
      'unprocessable',
      `${cannot}floors.accuracy.letters: no source is of that task.`,
    );
    await refused(
      {
        sources: [source('digit', 'digit-net', 'whole'), source('clothing')],
        recipe: { ...distilled, floors: { maxDrop: 0.1 } },
      },
      'unprocessable',
      `${cannot}floors: data set "whole@1" of task "digit" holds no samples out to measure accuracy on.`,
    );
    // Floors are those of the other task; and nothing is retrained by labels where nothing is retrained.
    const floors = { maxDrop: 0.1, accuracy: { clothing: 0.9 } };
    for (const fits of [
      { ...distilled, floors },
      { ...rest, retraining: { ...retraining, stepsPerLayer: 0, finalSteps: 0 } },
    ])
      expect(await ask({ sources: blind, recipe: fits })).toHaveProperty('created', true);
  });

  test('when the endpoint cannot take it', async () => {
    await refused(
      { endpoint: { name: 'e', tasks: ['letter'] } },
      'unprocessable',
      /the endpoint is to answer "letter", which no source is of/,
    );
    const digit = await publish(stores, ['digit']);
    await setEndpoint(stores, { endpoint: 'taken', tasks: { digit } }, by);
    await refused(
      { endpoint: { name: 'taken' } },
      'unprocessable',
      /the endpoint name "taken" is taken by another project/,
    );
  });
});

test('a request says what is wrong with it before anything is looked up', () => {
  const right = { ...mergeOf(tasks), priority: undefined };
  expect(mergeRequest.safeParse(right).success).toBe(true);
  for (const wrong of [
    { ...right, publish: true },
    { ...right, sources: right.sources.slice(1) },
    { ...right, sources: [{ ...source('digit'), model: 'digit-net@' }, source('clothing')] },
    { ...right, sources: [{ ...source('digit'), model: 'digit-net@0' }, source('clothing')] },
    { ...right, priority: 10 },
    { ...right, recipe: { ...right.recipe, share: { share: 2 } } },
    { ...right, unknown: 1 },
  ]) {
    expect(mergeRequest.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  }
});
