import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { maxUploadBytes } from '../../../shared/uploads.ts';
import { readPieces } from '../../data/readPieces.ts';
import { sizeOf, type Pieces } from '../../engine/pieces.ts';
import type { MergeCheckpoint, MergeProgress } from '../mergeOptions.ts';
import { LeaseLostError } from '../runnerClient.ts';
import { piecesContent } from '../storage/content.ts';
import type { JobContext } from './job.ts';

/** Between two checkpoints that are stored: more often would cost more than what is lost. */
const defaultPauseMs = 20_000;

export interface JobCheckpoint extends MergeCheckpoint {
  /** Told of all progress, for the number that people see of the checkpoint. */
  passed(progress: MergeProgress): void;
  /** Stores the newest checkpoint that was passed over, although the job is ending. */
  flush(): Promise<void>;
}

export interface JobCheckpointOptions {
  readonly pauseMs?: number;
  /** Of what the service takes: {@link maxUploadBytes}. */
  readonly maxBytes?: number;
}

/** Less than a job that is told to stop is given. */
const flushMs = 10_000;

/**
 * Checkpoints of a job in object storage, where any runner finds them: the blob first, then the service is told. One
 * that cannot be saved is a pity and no reason to stop; one that cannot be had back means to begin anew.
 */
export function jobCheckpoint(
  context: Pick<JobContext, 'claim' | 'store' | 'cache' | 'folder' | 'signal' | 'saveCheckpoint' | 'log'>,
  { pauseMs = defaultPauseMs, maxBytes = maxUploadBytes }: JobCheckpointOptions = {},
): JobCheckpoint {
  const { claim, store: blobs, cache, folder, signal, saveCheckpoint, log } = context;
  let steps = claim.checkpoint?.step ?? 0;
  let layerSteps = 0;
  let savedAt = -Infinity;
  /** Passed over, since it came too soon after another. */
  let waiting: Pieces | undefined;
  const store = async (pieces: Pieces, until: AbortSignal): Promise<void> => {
    const size = sizeOf(pieces);
    if (size > maxBytes) throw new Error(`it has ${size} bytes, the service takes ${maxBytes} at most`);
    const content = await piecesContent(pieces, 'the checkpoint');
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
        return await readPieces(path);
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
    async save(pieces) {
      if (performance.now() - savedAt < pauseMs) {
        waiting = pieces;
        return;
      }
      try {
        await store(pieces, signal);
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
