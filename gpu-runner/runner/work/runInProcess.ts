import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClaimReply, Progress } from '../../../shared/jobs.ts';
import type { JobResult } from '../runnerClient.ts';
import type { CacheCounts } from '../storage/blobCache.ts';
import { HandBackError, JobError } from './job.ts';
import type { FromJob, ToJob } from './jobMessages.ts';
import type { WorkSettings } from './settings.ts';

export interface RunJobOptions {
  readonly settings: WorkSettings;
  /** The job's own folder, which exists. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly onCache?: (counts: CacheCounts, usedBytes: number) => void;
  readonly log: (line: string) => void;
  /** Which program does it; the real one, when left out. */
  readonly program?: URL | undefined;
  /** Time that a job gets to end by itself once it was told to stop. */
  readonly graceMs?: number | undefined;
}

const mainProgram = new URL('./jobMain.ts', import.meta.url);
/** A step of training, or one matrix of a layer, has to end first. */
const defaultGraceMs = 20_000;

/**
 * Does a job in a process of its own: heartbeats and health checks go on while it computes, its memory is given back
 * when it is over, and a crash of native code takes only the attempt with it.
 *
 * @throws {JobError} what went wrong with the job; the signal's reason when it is aborted
 */
export async function runInProcess(claim: ClaimReply, options: RunJobOptions): Promise<JobResult> {
  const { settings, folder, signal, onProgress, onCache, log } = options;
  const { program = mainProgram, graceMs = defaultGraceMs } = options;
  signal.throwIfAborted();
  const child = fork(fileURLToPath(program), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const say = (message: ToJob): void => {
    if (child.connected) child.send(message, () => undefined);
  };
  let outcome: Extract<FromJob, { type: 'done' | 'failed' }> | undefined;
  child.on('message', (message: FromJob) => {
    switch (message.type) {
      case 'progress':
        onProgress(message.progress);
        break;
      case 'log':
        log(message.line);
        break;
      case 'cache':
        onCache?.(message.counts, message.usedBytes);
        break;
      case 'done':
      case 'failed':
        outcome = message;
        break;
      default:
        message satisfies never;
    }
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  let killed: NodeJS.Timeout | undefined;
  const stop = (): void => {
    const { reason } = signal as { reason: unknown };
    say({
      type: 'stop',
      reason: reason instanceof Error ? reason.message : String(reason),
      handBack: reason instanceof HandBackError,
    });
    killed = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  try {
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('close', (code, by) =>
        resolve(by === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${by}`),
      );
    });
    say({ type: 'start', claim, settings, folder });
    const how = await ended;
    if (outcome?.type === 'done') return outcome.result;
    signal.throwIfAborted();
    if (outcome) throw new JobError(outcome.reason, { retryable: outcome.retryable });
    const last = complaints.trim();
    throw new JobError(`The job's process ${how}${last && `; it said: ${last}`}`, { retryable: true });
  } finally {
    clearTimeout(killed);
    signal.removeEventListener('abort', stop);
    process.off('exit', killWithUs);
  }
}
