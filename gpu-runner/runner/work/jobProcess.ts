/**
 * The process of one job: told by messages what to do, it tells how far it is and what came of it. It ends when the
 * runner that started it is gone, whatever the reason.
 */
import { HandBackError, JobError, type PerformJob } from './job.ts';
import type { FromJob, ToJob } from './jobMessages.ts';
import { openCache, openStore } from './settings.ts';
import { LeaseLostError, messageOf, RunnerClient } from '../runnerClient.ts';

const tell = (message: FromJob): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });

/** Serves one job with `perform`, as the main program of a process that was forked. */
export function serveJob(perform: PerformJob): void {
  const stop = new AbortController();
  // Ctrl-C goes to every process of a terminal: the runner is the one who decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: ToJob) => {
    if (message.type === 'stop')
      stop.abort(message.handBack ? new HandBackError(message.reason) : new Error(message.reason));
    else
      void run(message, perform, stop.signal).then(async (outcome) => {
        await tell(outcome);
        process.exit(0);
      });
  });
}

async function run(
  { claim, settings, folder }: Extract<ToJob, { type: 'start' }>,
  perform: PerformJob,
  signal: AbortSignal,
): Promise<FromJob> {
  try {
    const client = new RunnerClient({ ...settings.control, retryDelayMs: settings.retryDelayMs });
    const store = openStore(settings);
    const cache = await openCache(settings, store);
    try {
      const result = await perform({
        ...{ claim, store, cache, folder, signal },
        provider: settings.provider,
        ...{ gramBytes: settings.gramBytes, dataBytes: settings.dataBytes },
        report: (progress) => void tell({ type: 'progress', progress: { ...progress, at: now() } }),
        saveCheckpoint: (checkpoint, until) =>
          client.saveCheckpoint({ jobId: claim.job.id, token: claim.lease.token }, checkpoint, until),
        log: (line) => void tell({ type: 'log', line }),
      });
      return { type: 'done', result };
    } finally {
      await tell({ type: 'cache', counts: cache.counts, usedBytes: await cache.usedBytes() });
    }
  } catch (error) {
    const retryable = !(error instanceof JobError) || error.retryable;
    return {
      type: 'failed',
      reason: messageOf(error),
      retryable: retryable && !(error instanceof LeaseLostError),
    };
  }
}

const now = (): string => new Date().toISOString();
