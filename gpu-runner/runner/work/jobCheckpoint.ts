import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MergeCheckpoint, MergeProgress } from '../mergeModels.ts';
import { LeaseLostError } from '../runnerClient.ts';
import { bytesContent } from '../storage/content.ts';
import type { JobContext } from './job.ts';

/** Between two checkpoints that are stored: more often would cost more than what is lost. */
const defaultPauseMs = 20_000;

export interface JobCheckpoint extends MergeCheckpoint {
  /** Told of all progress, for the number that people see of the checkpoint. */
  passed(progress: MergeProgress): void;
  /** Stores the newest checkpoint that was passed over, although the job is ending. */
  flush(): Promise<void>;
}

/** Less than a job that is told to stop is given. */
const flushMs = 10_000;

/**
 * Checkpoints of a job in object storage, where any runner finds them: the blob first, then the service is told. One
 * that cannot be saved is a pity and no reason to stop; one that cannot be had back means to begin anew.
 */
export function jobCheckpoint(
  context: Pick<JobContext, 'claim' | 'store' | 'cache' | 'folder' | 'signal' | 'saveCheckpoint' | 'log'>,
  { pauseMs = defaultPauseMs }: { readonly pauseMs?: number } = {},
): JobCheckpoint {
  const { claim, store: blobs, cache, folder, signal, saveCheckpoint, log } = context;
  let steps = claim.checkpoint?.step ?? 0;
  let layerSteps = 0;
  let savedAt = -Infinity;
  /** Passed over, since it came too soon after another. */
  let waiting: Uint8Array<ArrayBuffer> | undefined;
  const store = async (bytes: Uint8Array<ArrayBuffer>, until: AbortSignal): Promise<void> => {
    const content = bytesContent(bytes, 'the checkpoint');
    await blobs.put(content, { signal: until });
    await saveCheckpoint({ sha256: content.sha256, sizeBytes: content.sizeBytes, step: steps }, until);
    waiting = undefined;
    savedAt = performance.now();
  };
  const notSaved = (error: unknown): void =>
    log(`A checkpoint was not saved: ${error instanceof Error ? error.message : String(error)}`);
  return {
    passed({ stage, step = 0 }) {
      if (stage !== 'retrain') layerSteps = 0;
      else if (step > layerSteps) {
        steps += step - layerSteps;
        layerSteps = step;
      }
    },
    async load() {
      if (!claim.checkpoint) return undefined;
      const path = join(folder, 'checkpoint');
      try {
        await cache.place(claim.checkpoint, path, { signal });
        return new Uint8Array(await readFile(path));
      } catch (error) {
        signal.throwIfAborted();
        log(
          `Begins anew: the checkpoint cannot be had: ${error instanceof Error ? error.message : String(error)}`,
        );
        return undefined;
      } finally {
        await rm(path, { force: true });
      }
    },
    async save(bytes) {
      if (performance.now() - savedAt < pauseMs) {
        waiting = bytes;
        return;
      }
      try {
        await store(bytes, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof LeaseLostError) throw error;
        notSaved(error);
        savedAt = performance.now();
      }
    },
    async flush() {
      if (waiting) await store(waiting, AbortSignal.timeout(flushMs)).catch(notSaved);
    },
  };
}
