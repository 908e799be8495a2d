import type { ClaimReply, Progress } from '../../../shared/jobs.ts';
import type { JobResult } from '../runnerClient.ts';
import type { CacheCounts } from '../storage/blobCache.ts';
import type { WorkSettings } from './settings.ts';

// What the runner and the process that does a job say to each other.

export type ToJob =
  | {
      readonly type: 'start';
      readonly claim: ClaimReply;
      readonly settings: WorkSettings;
      /** The job's own folder. */
      readonly folder: string;
    }
  | {
      readonly type: 'stop';
      readonly reason: string;
      /** Somebody else will go on: leave what there is. */
      readonly handBack: boolean;
    };

export type FromJob =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'cache'; readonly counts: CacheCounts; readonly usedBytes: number }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'failed'; readonly reason: string; readonly retryable: boolean };
