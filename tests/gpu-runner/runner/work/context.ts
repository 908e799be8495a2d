import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobCache } from '../../../../gpu-runner/runner/storage/blobCache.ts';
import type { JobContext } from '../../../../gpu-runner/runner/work/job.ts';
import { claimReply, type ClaimReply, type Checkpoint, type Progress } from '../../../../shared/jobs.ts';
import { memoryStore, type MemoryStore } from '../storage/memoryStore.ts';

export interface TestContext extends JobContext {
  readonly store: MemoryStore;
  readonly progress: Omit<Progress, 'at'>[];
  readonly checkpoints: Checkpoint[];
  readonly lines: string[];
  remove(): Promise<void>;
}

/** A job as its handler sees it, over a store in memory. */
export async function testContext(
  claim: (store: MemoryStore) => ClaimReply,
  given: Partial<Omit<JobContext, 'store'>> = {},
  store = memoryStore(),
): Promise<TestContext> {
  const root = await mkdtemp(join(tmpdir(), 'trunkline-job-'));
  const progress: Omit<Progress, 'at'>[] = [];
  const checkpoints: Checkpoint[] = [];
  const lines: string[] = [];
  return {
    claim: claimReply.parse(claim(store)),
    store,
    cache: await BlobCache.open(join(root, 'cache'), { maxBytes: 1e8, store, retryDelayMs: 1 }),
    folder: await mkdtemp(join(root, 'job-')),
    provider: 'cpu',
    signal: new AbortController().signal,
    report: (one) => progress.push(one),
    saveCheckpoint(checkpoint) {
      checkpoints.push(checkpoint);
      return Promise.resolve();
    },
    log: (line) => lines.push(line),
    ...given,
    ...{ progress, checkpoints, lines },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
