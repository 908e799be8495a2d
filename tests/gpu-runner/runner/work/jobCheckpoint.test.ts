import { afterEach, describe, expect, it } from 'vitest';
import { LeaseLostError } from '../../../../gpu-runner/runner/runnerClient.ts';
import { jobCheckpoint } from '../../../../gpu-runner/runner/work/jobCheckpoint.ts';
import { claimOf } from '../jobs.ts';
import { digestOf, memoryStore } from '../storage/memoryStore.ts';
import { testContext, type TestContext } from './context.ts';
import { tinyMerge } from './tinyTask.ts';

const bytes = new Uint8Array([1, 2, 3]);
/** The same, as a merge gives them. */
const pieces = [bytes.subarray(0, 1), bytes.subarray(1)];
const always = { pauseMs: 0 };
let context: TestContext;
afterEach(() => context.remove());

describe('jobCheckpoint()', () => {
  it('stores the bytes before it tells of them, with the steps of all layers so far', async () => {
    const store = memoryStore();
    context = await testContext(
      ({ add }) => claimOf(tinyMerge(add)),
      {
        saveCheckpoint(checkpoint) {
          expect(store.blobs.has(checkpoint.sha256)).toBe(true);
          context.checkpoints.push(checkpoint);
          return Promise.resolve();
        },
      },
      store,
    );
    const checkpoint = jobCheckpoint(context, always);
    for (const layer of ['conv1', 'conv2']) {
      for (const step of [1, 2, 5]) checkpoint.passed({ stage: 'retrain', layer, step, steps: 9 });
      checkpoint.passed({ stage: 'validate', layer });
      await checkpoint.save(pieces);
    }
    const saved = { sha256: digestOf(bytes), sizeBytes: 3 };
    expect(context.checkpoints).toEqual([
      { ...saved, step: 5 },
      { ...saved, step: 10 },
    ]);
  });

  it('gives back what another attempt saved, and counts on from there', async () => {
    context = await testContext((store) =>
      claimOf(tinyMerge(store.add), { checkpoint: { ...store.add(bytes), step: 40 } }),
    );
    const checkpoint = jobCheckpoint(context, always);
    expect(await checkpoint.load()).toEqual([bytes]);
    checkpoint.passed({ stage: 'retrain', step: 2 });
    await checkpoint.save(pieces);
    expect(context.checkpoints).toMatchObject([{ step: 42 }]);
  });

  it('has nothing at the beginning', async () => {
    context = await testContext(({ add }) => claimOf(tinyMerge(add)));
    expect(await jobCheckpoint(context).load()).toBeUndefined();
    expect(context.lines).toEqual([]);
  });

  it('begins anew, and says so, when the checkpoint cannot be had', async () => {
    context = await testContext(({ add }) =>
      claimOf(tinyMerge(add), { checkpoint: { sha256: '0'.repeat(64), sizeBytes: 3, step: 40 } }),
    );
    expect(await jobCheckpoint(context).load()).toBeUndefined();
    expect(context.lines).toEqual([
      expect.stringMatching(/^Begins anew: the checkpoint cannot be had: Cannot read blob 0/),
    ]);
  });

  it('goes on without one that is larger than the service takes, and sends nothing of it', async () => {
    context = await testContext(({ add }) => claimOf(tinyMerge(add)));
    const checkpoint = jobCheckpoint(context, { ...always, maxBytes: 2 });
    const stored = context.store.blobs.size;
    await checkpoint.save(pieces);
    expect(context.lines).toEqual([
      'A checkpoint was not saved: it has 3 bytes, the service takes 2 at most',
    ]);
    expect([context.store.blobs.size, context.checkpoints]).toEqual([stored, []]);
  });

  it('lets some time pass between two that it stores', async () => {
    context = await testContext(({ add }) => claimOf(tinyMerge(add)));
    const checkpoint = jobCheckpoint(context, { pauseMs: 3_600_000 });
    await checkpoint.save(pieces);
    await checkpoint.save([new Uint8Array([4])]);
    expect(context.checkpoints).toHaveLength(1);
  });

  it('stores what it passed over when the job ends for somebody else to go on', async () => {
    const stop = new AbortController();
    context = await testContext(({ add }) => claimOf(tinyMerge(add)), { signal: stop.signal });
    const checkpoint = jobCheckpoint(context, { pauseMs: 3_600_000 });
    await checkpoint.save(pieces);
    await checkpoint.save([new Uint8Array([4])]);
    stop.abort(new Error('The runner is shutting down'));
    await checkpoint.flush();
    await checkpoint.flush();
    expect(context.checkpoints.map(({ sha256 }) => sha256)).toEqual(
      [bytes, new Uint8Array([4])].map(digestOf),
    );
  });

  it('lets the work go on when one is not saved, but not when the lease is lost', async () => {
    let error: Error = new Error('503');
    context = await testContext(({ add }) => claimOf(tinyMerge(add)), {
      saveCheckpoint: () => Promise.reject(error),
    });
    const checkpoint = jobCheckpoint(context, always);
    await checkpoint.save(pieces);
    expect(context.lines).toEqual(['A checkpoint was not saved: 503']);
    error = new LeaseLostError('Token 1 is stale');
    await expect(checkpoint.save(pieces)).rejects.toThrow(LeaseLostError);
  });
});
