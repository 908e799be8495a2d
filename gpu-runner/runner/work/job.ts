import type { Checkpoint, ClaimReply, Progress } from '../../../shared/jobs.ts';
import type { Provider } from '../../engine/providers.ts';
import type { JobResult } from '../runnerClient.ts';
import type { BlobCache } from '../storage/blobCache.ts';
import type { ObjectStore } from '../storage/objectStore.ts';

/** What a job has to work with. */
export interface JobContext {
  readonly claim: ClaimReply;
  readonly store: ObjectStore;
  readonly cache: BlobCache;
  /** The job's own, empty at first, removed when it is over. */
  readonly folder: string;
  readonly provider: Provider;
  /** Most bytes of Gram matrices at once; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  /** Most bytes that the samples of one task take in memory; default 2 GiB. */
  readonly dataBytes?: number | undefined;
  /** Aborted when the work is in vain or has to stop now. */
  readonly signal: AbortSignal;
  readonly report: (progress: Omit<Progress, 'at'>) => void;
  /** Tells where another attempt may go on; the blob is stored. */
  readonly saveCheckpoint: (checkpoint: Checkpoint, signal: AbortSignal) => Promise<void>;
  readonly log: (line: string) => void;
}

/** The reason of a signal that ends a job which somebody else will go on with. */
export class HandBackError extends Error {
  override readonly name = 'HandBackError';
}

export type PerformJob = (context: JobContext) => Promise<JobResult>;

/** Why a job has no result, and whether another attempt may do better. */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly retryable: boolean;

  constructor(message: string, options: ErrorOptions & { readonly retryable: boolean }) {
    super(message, options);
    this.retryable = options.retryable;
  }
}

/**
 * Does a part of a job whose failure is the fault of what was given: the same again would fail again. What the machine
 * is to blame for (files, memory) is worth another try, maybe elsewhere.
 */
export async function decisively<T>(signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof JobError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new JobError(message, { cause, retryable: isMachines(cause, message) });
  }
}

const isMachines = (error: unknown, message: string): boolean =>
  (error instanceof Error && 'syscall' in error) ||
  /out of memory|failed to allocate|bad_alloc/i.test(message);
