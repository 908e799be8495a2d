import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { jobKinds, type ClaimReply, type JobKind } from '../../shared/jobs.ts';
import { requireProvider } from '../engine/providers.ts';
import { ControlError } from './controlClient.ts';
import { startHealthServer } from './healthServer.ts';
import { CancelledError, LeaseKeeper } from './leaseKeeper.ts';
import { RunnerMetrics, type Outcome } from './metrics.ts';
import { LeaseLostError, messageOf, RunnerClient, type Claimed, type JobResult } from './runnerClient.ts';
import { HandBackError, JobError } from './work/job.ts';
import { runInProcess, type RunJobOptions } from './work/runInProcess.ts';
import type { WorkSettings } from './work/settings.ts';
import { makeWorkFolder, removeAbandoned } from './workFolders.ts';

export interface RunnerOptions extends WorkSettings {
  /** Which runner this is, for people. */
  readonly name: string;
  readonly version: string;
  readonly kinds?: readonly JobKind[] | undefined;
  /** Where `/health/...` and `/metrics` are served; nowhere, when left out. */
  readonly health?: { readonly host: string; readonly port: number } | undefined;
  /** Between two questions for a job while there is none; default 3000. */
  readonly pollMs?: number | undefined;
  /** Until progress is told at most; default 3000. */
  readonly progressMs?: number | undefined;
  /** Aborting it ends the runner gracefully: the job at hand is handed back. */
  readonly signal?: AbortSignal | undefined;
  /** Ends when there is no job, instead of waiting for one. */
  readonly untilIdle?: boolean | undefined;
  readonly log?: ((line: string) => void) | undefined;
  /** Called when the health server listens. */
  readonly onListening?: ((url: string) => void) | undefined;
  /** Does a job; in a process of its own, when left out. */
  readonly perform?: ((claim: ClaimReply, options: RunJobOptions) => Promise<JobResult>) | undefined;
}

const defaultPollMs = 3000;
const defaultProgressMs = 3000;
/** After trouble the service is asked less and less often, down to this. */
const longestPauseMs = 30_000;
/** A runner that reached the service no longer ago is ready. */
const readyForMs = 90_000;
/** Until the first heartbeat at the latest, whatever the lease says. */
const slowestBeatMs = 60_000;

/**
 * Works on jobs, one at a time, until it is told to stop: claim, keep the lease, do the job, complete or fail. Start
 * more of them to do more at once.
 *
 * What may go wrong: the service cannot be reached (the work goes on, and the service decides by the token when it is
 * back); the lease is lost or the job cancelled (the work is dropped); the work fails (said with the reason, and whether
 * to try again); this process ends (the job is handed back, or, killed, found by the lease running out).
 *
 * @throws {Error} when it cannot begin: no such provider, port taken, key refused. Trouble later on is logged and waited for.
 */
export async function runRunner(options: RunnerOptions): Promise<void> {
  const { name, version, provider, folder, signal, health, log = () => undefined } = options;
  requireProvider(provider);
  const metrics = new RunnerMetrics({ name, version, provider });
  const client = new RunnerClient({ ...options.control, retryDelayMs: options.retryDelayMs });
  const jobs = join(folder, 'jobs');
  await removeAbandoned(jobs);

  let reachedAt = -Infinity;
  const unready = (): string | null => {
    if (signal?.aborted) return 'it is shutting down';
    if (performance.now() - reachedAt <= readyForMs) return null;
    return `it has not reached ${options.control.url} for more than ${readyForMs / 1000} s`;
  };
  const server = health && (await startHealthServer({ ...health, unready, metrics }));
  if (server) options.onListening?.(server.url);

  const worker: Worker = {
    ...{ options, client, metrics, jobs, log },
    reached: () => (reachedAt = performance.now()),
  };
  try {
    let troubles = 0;
    while (!signal?.aborted) {
      const claim = await ask(worker).catch((error: unknown) => {
        if (signal?.aborted) return null;
        // A key that never worked will not begin to.
        const refused = error instanceof ControlError && (error.status === 401 || error.status === 403);
        if (refused && reachedAt === -Infinity) throw error;
        metrics.claimed('trouble');
        log(`Cannot claim a job: ${messageOf(error)}`);
        return 'trouble' as const;
      });
      troubles = claim === 'trouble' ? troubles + 1 : 0;
      if (claim === null && options.untilIdle) return;
      if (claim && claim !== 'trouble') await work(claim, worker);
      else await pause(options.pollMs ?? defaultPollMs, troubles, signal);
    }
  } finally {
    await server?.stop();
  }
}

interface Worker {
  readonly options: RunnerOptions;
  readonly client: RunnerClient;
  readonly metrics: RunnerMetrics;
  readonly jobs: string;
  readonly log: (line: string) => void;
  /** The service answered. */
  readonly reached: () => void;
}

async function ask({ options, client, metrics, reached }: Worker): Promise<ClaimReply | null> {
  const { name, version, provider, kinds = jobKinds, signal } = options;
  const runner = { name, version, providers: [provider] };
  const claim = await client.claim({ runner, kinds: [...kinds] }, signal);
  reached();
  metrics.claimed(claim ? 'job' : 'nothing');
  return claim;
}

/** Waits a little more or less than asked, so that runners which started together do not ask together. */
async function pause(pollMs: number, troubles: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.max(pollMs, longestPauseMs);
  const waitMs = Math.min(longest, pollMs * 2 ** troubles) * (0.75 + Math.random() / 2);
  await setTimeout(waitMs, undefined, signal && { signal }).catch(() => undefined);
}

/** One attempt of one job, from the claim to its last word. Never throws. */
async function work(claim: ClaimReply, worker: Worker): Promise<void> {
  const { options, metrics, client, log, jobs, reached } = worker;
  const { job, lease, attempt } = claim;
  const claimed = { jobId: job.id, token: lease.token };
  const startedAt = performance.now();
  log(`Job ${job.id} (${job.kind}), attempt ${attempt}: begun`);
  metrics.jobStarted();
  const leaseMs = Math.max(0, Date.parse(lease.expiresAt) - Date.now());
  const keeper = new LeaseKeeper({
    client: {
      async heartbeat(...args) {
        const reply = await client.heartbeat(...args);
        reached();
        return reply;
      },
    },
    job: claimed,
    intervalMs: Math.min(slowestBeatMs, leaseMs / 3),
    progressMs: options.progressMs ?? defaultProgressMs,
    onTrouble(error) {
      metrics.heartbeatFailed();
      log(`Job ${job.id}: no heartbeat: ${messageOf(error)}`);
    },
  });
  const signal = AbortSignal.any([keeper.signal, ...(options.signal ? [handingBack(options.signal)] : [])]);
  let outcome: Outcome;
  let folder: string | undefined;
  try {
    folder = await makeWorkFolder(jobs);
    const result = await (options.perform ?? runInProcess)(claim, {
      ...{ settings: settingsOf(options), folder, signal },
      log: (line) => log(`Job ${job.id}: ${line}`),
      onProgress(progress) {
        keeper.report(progress);
        metrics.progressed(progress);
      },
      onCache: (counts, usedBytes) => metrics.cacheUsed(counts, usedBytes),
    });
    await keeper.flush();
    await complete(claimed, result, client);
    outcome = 'succeeded';
    log(`Job ${job.id}: done`);
  } catch (error) {
    outcome = await giveUp(error, claimed, keeper, worker);
  } finally {
    await keeper.end();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
  metrics.jobEnded(job.kind, outcome, (performance.now() - startedAt) / 1000);
}

/** Aborted with that signal, with a reason that the job understands. */
function handingBack(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new HandBackError('The runner is shutting down'));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return stop.signal;
}

/** A lease that was lost meanwhile is found by the token. A result that is refused would be refused again. */
async function complete(claimed: Claimed, result: JobResult, client: RunnerClient): Promise<void> {
  try {
    await client.complete(claimed, result);
  } catch (cause) {
    if (!(cause instanceof ControlError)) throw cause;
    throw new JobError(cause.message, { cause, retryable: false });
  }
}

/** Says why there is no result, unless nobody is interested any more. */
async function giveUp(
  error: unknown,
  claimed: Claimed,
  keeper: LeaseKeeper,
  { options, client, log }: Worker,
): Promise<Outcome> {
  const why: unknown = keeper.signal.aborted ? keeper.signal.reason : error;
  const { jobId } = claimed;
  if (why instanceof LeaseLostError) {
    log(`Job ${jobId}: dropped: ${why.message}`);
    return 'lost';
  }
  const cancelled = why instanceof CancelledError;
  const handBack = !cancelled && options.signal?.aborted === true;
  const reason = handBack ? 'The runner is shutting down' : messageOf(why);
  const retryable = handBack || (!cancelled && (!(why instanceof JobError) || why.retryable));
  log(`Job ${jobId}: ${handBack ? 'handed back' : cancelled ? 'cancelled' : 'failed'}: ${reason}`);
  try {
    await client.fail(claimed, { reason, retryable, handBack });
  } catch (trouble) {
    // The lease runs out, and the job is found.
    log(`Job ${jobId}: cannot say so: ${messageOf(trouble)}`);
    if (trouble instanceof LeaseLostError) return cancelled ? 'cancelled' : 'lost';
  }
  return cancelled ? 'cancelled' : handBack ? 'handed-back' : 'failed';
}

/** What may go to another process: data, no functions. */
const settingsOf = ({
  control,
  s3,
  folder,
  cacheBytes,
  provider,
  gramBytes,
  dataBytes,
  retryDelayMs,
}: RunnerOptions): WorkSettings => ({
  control: { url: control.url, key: control.key },
  ...{ s3, folder, cacheBytes, provider, gramBytes, dataBytes, retryDelayMs },
});
