import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../gpu-runner/bundle/bundle.ts';
import { CheckpointError } from '../../../../gpu-runner/engine/checkpointError.ts';
import { joined } from '../../../../gpu-runner/engine/pieces.ts';
import { mergeModels } from '../../../../gpu-runner/runner/mergeModels.ts';
import type { Merged, MergeModels } from '../../../../gpu-runner/runner/mergeOptions.ts';
import { mergeJob } from '../../../../gpu-runner/runner/work/mergeJob.ts';
import { manifest as manifestSchema } from '../../../../shared/manifest.ts';
import { report as reportSchema } from '../../../../shared/report.ts';
import { pixelsTo1 } from '../../../../shared/preprocessing.ts';
import { recipe } from '../../../../shared/recipe.ts';
import { lenet } from '../../mtz/nets/lenet.ts';
import { claimOf } from '../jobs.ts';
import { memoryStore, type MemoryStore } from '../storage/memoryStore.ts';
import { testContext, type TestContext } from './context.ts';
import { dataVersion, modelVersion, spoiltVersion, tinyMerge, tinyNet, tinyRecipe } from './tinyTask.ts';

const contexts: TestContext[] = [];
afterEach(() => Promise.all(contexts.splice(0).map((one) => one.remove())));

async function contextOf(...args: Parameters<typeof testContext>): Promise<TestContext> {
  const context = await testContext(...args);
  contexts.push(context);
  return context;
}

const read = (store: MemoryStore, digest: string): unknown =>
  JSON.parse(new TextDecoder().decode(store.blobs.get(digest)));

describe('mergeJob()', () => {
  it('fetches, merges, and stores the files, the manifest and the report', async () => {
    const context = await contextOf(({ add }) => claimOf(tinyMerge(add)));
    const result = await mergeJob(context, mergeModels);
    if (!('bundle' in result)) throw new Error('There is no bundle');
    const manifest = manifestSchema.parse(read(context.store, result.bundle));
    expect(manifest).toMatchObject({ name: 'merged', createdAt: context.claim.job.createdAt });
    for (const { sha256: digest, sizeBytes } of manifest.files)
      expect(context.store.blobs.get(digest)).toHaveLength(sizeBytes);
    expect(read(context.store, result.report ?? '')).toMatchObject({ format: 'trunkline.report/1' });
    const stages = context.progress.map(({ stage }) => stage);
    expect([stages[0], stages.at(-1)]).toEqual(['download', 'upload']);
  });

  it('keeps Gram matrices to what the runner allows, and says in the report what that changed', async () => {
    const context = await contextOf(({ add }) => claimOf(tinyMerge(add)), { gramBytes: 150_000 });
    const result = await mergeJob(context, mergeModels);
    if (!('report' in result)) throw new Error('There is no report');
    expect(read(context.store, result.report ?? '')).toMatchObject({
      notes: [
        expect.stringMatching(/^fc1 is measured by \d+ of \d+ samples: more would not fit into 146 KiB/),
      ],
    });
  });

  it('goes on in another process where one was killed: the same bundle', async () => {
    const store = memoryStore();
    const claim = claimOf(tinyMerge(store.add));
    const first = await contextOf(() => claim, {}, store);
    const merged = await slowMerge(first, Infinity);

    const dying = await contextOf(() => claim, {}, store);
    await expect(slowMerge(dying, 3)).rejects.toThrow('killed at step 3');
    const [checkpoint] = dying.checkpoints.slice(-1);
    const second = await contextOf(() => ({ ...claim, checkpoint: checkpoint ?? null }), {}, store);
    const resumed = await slowMerge(second, Infinity);
    expect(checkpoint).toMatchObject({ step: 2 });
    expect(steps(second)).toEqual([3, 4, 5]);
    expect(resumed).toEqual(merged);
  });

  it('begins anew, and says so, where nobody can go on from the checkpoint', async () => {
    const context = await contextOf(({ add }) =>
      claimOf(tinyMerge(add), { checkpoint: { ...add(new Uint8Array([1, 2, 3])), step: 9 } }),
    );
    expect(await mergeJob(context, mergeModels)).toHaveProperty('bundle');
    expect(context.lines).toEqual([
      'Begins anew: Cannot resume: the checkpoint is not one of a zip (3 bytes)',
    ]);
  });

  it('begins anew from a checkpoint that is refused within the merge, and not after another failure', async () => {
    const claimed = ({ add }: MemoryStore) =>
      claimOf(tinyMerge(add), { checkpoint: { ...add(new Uint8Array([1, 2, 3])), step: 9 } });
    const context = await contextOf(claimed);
    const failing =
      (error: Error): MergeModels =>
      async ({ checkpoint }) => {
        if (await checkpoint?.load()) throw error;
        return fakeMerged(Uint8Array.of(1));
      };
    const version = 'Cannot read the checkpoint: it is of version 2, this program writes 1';
    expect(await mergeJob(context, failing(new CheckpointError(version)))).toHaveProperty('bundle');
    expect(context.lines).toEqual([`Begins anew: ${version}`]);
    const other = mergeJob(await contextOf(claimed), failing(new Error('Cannot resume work: no light')));
    await expect(other).rejects.toThrow('Cannot resume work: no light');
  });

  it('takes the words of a merge that fails for final, and trouble of the machine not', async () => {
    const context = await contextOf(({ add }) => claimOf(tinyMerge(add)));
    const failing = (error: Error): Promise<unknown> =>
      mergeJob(context, () => Promise.reject(error)).catch((e: unknown) => e);
    expect(await failing(new Error('Cannot zip conv1: A has 3 channels'))).toMatchObject({
      message: 'Cannot zip conv1: A has 3 channels',
      retryable: false,
    });
    await context.remove();
    const again = await contextOf(({ add }) => claimOf(tinyMerge(add)));
    const noSpace = Object.assign(new Error('ENOSPC: no space left'), { syscall: 'write' });
    expect(await mergeJob(again, () => Promise.reject(noSpace)).catch((e: unknown) => e)).toMatchObject({
      retryable: true,
    });
  });

  it('refuses a model whose labels are not as many as those of its data', async () => {
    const context = await contextOf(({ add }) => {
      const { sources } = tinyMerge(add);
      const model = modelVersion(add, 'odd', tinyNet(5), ['only', 'two']);
      return claimOf({
        kind: 'merge',
        sources: [{ task: 'left', model, data: dataVersion(add, 'd', 3) }, ...sources.slice(1)],
      });
    });
    await expect(mergeJob(context, mergeModels)).rejects.toThrow(
      'Cannot merge "left": odd@1 has 2 labels, its data 3',
    );
  });

  /** A merge whose second data set is of another preprocessing than the first. */
  const differing = (change: object) =>
    contextOf(({ add }) => {
      const { sources } = tinyMerge(add);
      const [first, second] = sources;
      if (!first || !second) throw new Error('There are two sources');
      const preprocessing = { ...pixelsTo1([1, 12, 12]), ...change };
      const data = { ...second.data, document: { ...second.data.document, preprocessing } };
      return claimOf({ kind: 'merge', sources: [first, { ...second, data }] });
    });

  it('tells in its log, its progress and the report what of the data could not be read', async () => {
    const context = await contextOf(({ add }) => {
      const { sources } = tinyMerge(add);
      const [first, second] = sources;
      if (!first || !second) throw new Error('There are two sources');
      return claimOf({ kind: 'merge', sources: [{ ...first, data: spoiltVersion(add, 5) }, second] });
    });
    const result = await mergeJob(context, mergeModels);
    if (!('bundle' in result)) throw new Error('There is no bundle');
    const note =
      '5 of the data of "left" left out, the first: x[0]: its value 0 is NaN, not a finite number; x[1]: its value 0 is NaN, not a finite number; x[2]: its value 0 is NaN, not a finite number';
    expect(context.lines).toEqual([note]);
    expect(context.progress).toContainEqual({ stage: 'read', message: note });
    const report = reportSchema.parse(read(context.store, result.report ?? ''));
    expect(report.notes).toContain(note);
    expect(report.tasks.map(({ leftOut }) => leftOut?.count)).toEqual([5, undefined]);
    expect(report.tasks[0]?.leftOut?.first.map(({ path }) => path)).toEqual(
      [0, 1, 2, 3, 4].map((row) => `x[${row}]`),
    );
  });

  it('tells its plan before it begins, all notes on the data at once, and how the tasks came out', async () => {
    const context = await contextOf(({ add }) => {
      const { sources } = tinyMerge(add);
      const [first, second] = sources;
      if (!first || !second) throw new Error('There are two sources');
      const [images] = second.data.document.files;
      const source = { kind: 'idx', images: 'images.idx' };
      const document = { ...second.data.document, files: images ? [images] : [], source };
      const data = { ...second.data, document };
      return claimOf({
        kind: 'merge',
        sources: [
          { ...first, data: spoiltVersion(add, 5) },
          { ...second, data },
        ],
      });
    });
    const result = await mergeJob(context, mergeModels);
    if (!('bundle' in result)) throw new Error('There is no bundle');
    const told = (of: string) => context.progress.filter(({ stage }) => stage === of);
    expect(context.lines).toHaveLength(2);
    expect(told('read').slice(1)).toEqual([{ stage: 'read', message: context.lines.join('; ') }]);
    expect(told('read')[1]?.message).toContain('The data of "right" have no labels');
    const { tasks, tradeoff, figures } = reportSchema.parse(read(context.store, result.report ?? ''));
    const { separate = NaN, zipped = NaN } = figures.parameters ?? {};
    const loss = tradeoff?.chosen?.loss.toPrecision(3) ?? '';
    expect(told('planned')[0]?.message).toMatch(
      new RegExp(
        `^${((100 * zipped) / separate).toFixed(2)} % of the parameters, \\d+\\.\\d\\d % of the multiply-adds of the separate networks are left; predicted loss ${loss}$`,
      ),
    );
    const share = ((tasks[1]?.agreement?.share ?? NaN) * 100).toFixed(2);
    expect(told('judged')).toEqual([
      {
        stage: 'judged',
        message: `"right" answers ${share} % of 12 samples as its own network`,
        accuracy: { left: tasks[0]?.accuracy?.after },
      },
    ]);
  });

  it('merges an RGB network that is to read grey, whose data are registered as RGB', async () => {
    const context = await contextOf(({ add }) => {
      const { sources } = tinyMerge(add);
      const [first, second] = sources;
      if (!first || !second) throw new Error('There are two sources');
      const model = modelVersion(add, 'colour-net', lenet({ seed: 3, input: [3, 12, 12] }));
      const preprocessing = { ...pixelsTo1([3, 12, 12]), mean: [0.4, 0.5, 0.6] };
      const data = { ...second.data, document: { ...second.data.document, preprocessing } };
      const claim = claimOf({ kind: 'merge', sources: [first, { ...second, model, data }] });
      if (claim.job.kind !== 'merge') throw new Error('It is no merge');
      const asked = recipe.parse({ ...tinyRecipe, inputChannels: { right: 'repeat' } });
      return { ...claim, job: { ...claim.job, request: { ...claim.job.request, recipe: asked } } };
    });
    const result = await mergeJob(context, mergeModels);
    if (!('bundle' in result)) throw new Error('There is no bundle');
    const manifest = manifestSchema.parse(read(context.store, result.bundle));
    expect(manifest.preprocessing).toEqual(pixelsTo1([1, 12, 12]));
    expect(manifest.inputs[0]?.dims).toEqual([-1, 1, 12, 12]);
  });

  it('makes one input of preprocessings that differ, says so, and refuses what it cannot', async () => {
    const context = await differing({ mean: [0.5], std: [0.25] });
    const result = await mergeJob(context, mergeModels);
    if (!('bundle' in result)) throw new Error('There is no bundle');
    const manifest = manifestSchema.parse(read(context.store, result.bundle));
    expect(manifest.preprocessing).toEqual(pixelsTo1([1, 12, 12]));
    const said = expect.stringContaining('those of "right" were made otherwise') as string;
    expect(read(context.store, result.report ?? '')).toMatchObject({
      notes: expect.arrayContaining([said]) as string[],
    });
    expect(context.lines).toEqual([said]);
    expect(context.progress).toContainEqual({ stage: 'read', message: said });

    const resize = { width: 14, height: 14, mode: 'bilinear', fit: 'stretch' };
    await expect(mergeJob(await differing({ resize }), mergeModels)).rejects.toThrow(
      'Cannot give "left" and "right" one input',
    );
  });
});

const steps = ({ progress }: TestContext): number[] =>
  progress.flatMap(({ stage, step }) => (stage === 'retrain' && step !== undefined ? [step] : []));

/** A merge of five steps with a checkpoint each; "killed" in the middle of one. What it leads to tells its steps apart. */
async function slowMerge(context: TestContext, dieAt: number): Promise<unknown> {
  const merge: MergeModels = async ({ checkpoint, onProgress }) => {
    const from = await checkpoint?.load();
    const done = from ? [...joined(from)] : [];
    for (let step = done.length + 1; step <= 5; step += 1) {
      if (step === dieAt) throw new Error(`killed at step ${step}`);
      done.push(7 * step);
      onProgress?.({ stage: 'retrain', step, steps: 5 });
      await checkpoint?.save([Uint8Array.from(done)]);
    }
    return fakeMerged(Uint8Array.from(done));
  };
  return mergeJob(context, merge, { checkpointPauseMs: 0 });
}

function fakeMerged(file: Uint8Array<ArrayBuffer>): Merged {
  const files = [{ path: 'x.weights', sha256: sha256(file), sizeBytes: file.length }];
  const manifestBytes = new TextEncoder().encode(JSON.stringify(files));
  return {
    bundle: {
      id: sha256(manifestBytes),
      manifestBytes,
      manifest: { files },
      files: new Map([['x.weights', file]]),
    },
    report: { format: 'trunkline.report/1' },
  } as unknown as Merged;
}
