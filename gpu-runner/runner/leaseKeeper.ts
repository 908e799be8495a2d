import type { Progress } from '../../shared/jobs.ts';
import { LeaseLostError, type Claimed, type RunnerClient } from './runnerClient.ts';

/** Somebody asked for the job to be stopped. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

export interface LeaseOptions {
  readonly client: Pick<RunnerClient, 'heartbeat'>;
  readonly job: Claimed;
  /** Between two heartbeats at most; a third of the lease. */
  readonly intervalMs: number;
  /** Until progress is told at most. */
  readonly progressMs: number;
  readonly onTrouble?: (error: unknown) => void;
}

/** Progress that waits to be told; beyond that the oldest is dropped. */
const maxWaiting = 50;

/**
 * Keeps a lease by a timer of its own while somebody works under it, and carries progress along: the newest of each
 * stage and layer. `signal` is aborted when the lease is lost or the job is to be cancelled. A service that cannot be
 * reached changes nothing: the work goes on, and what came too late is refused by the token at the end.
 */
export class LeaseKeeper {
  readonly #options: LeaseOptions;
  readonly #stop = new AbortController();
  readonly #ended = new AbortController();
  readonly #waiting: Progress[] = [];
  readonly #timer: NodeJS.Timeout;
  #beatAt = performance.now();
  #beating: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(
      () => this.#tick(),
      Math.max(1, Math.min(options.intervalMs, options.progressMs)),
    );
  }

  /** Aborted with a {@link LeaseLostError} or a {@link CancelledError}. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Told with one of the next heartbeats. */
  report(progress: Progress): void {
    const last = this.#waiting.at(-1);
    if (last?.stage === progress.stage && last.layer === progress.layer) this.#waiting.pop();
    this.#waiting.push(progress);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  /** Tells what waits to be told, as far as the service can be reached: a short job may be over before its first heartbeat. */
  async flush(): Promise<void> {
    await this.#beating;
    if (this.signal.aborted || this.#waiting.length === 0) return;
    this.#beating = this.#beat().finally(() => (this.#beating = undefined));
    await this.#beating;
  }

  /** No more heartbeats. Resolves when the last one is over. */
  async end(): Promise<void> {
    this.#ended.abort();
    clearInterval(this.#timer);
    await this.#beating;
  }

  #tick(): void {
    const due = performance.now() - this.#beatAt >= this.#options.intervalMs;
    if (this.#beating || this.signal.aborted || (!due && this.#waiting.length === 0)) return;
    this.#beating = this.#beat().finally(() => (this.#beating = undefined));
  }

  /** One heartbeat for each progress that waits now, or one without. */
  async #beat(): Promise<void> {
    const { client, job, onTrouble } = this.#options;
    for (let left = Math.max(1, this.#waiting.length); left > 0; left -= 1) {
      const [progress] = this.#waiting;
      this.#beatAt = performance.now();
      try {
        const { cancelRequested } = await client.heartbeat(job, progress, this.#ended.signal);
        if (this.#waiting[0] === progress) this.#waiting.shift();
        if (cancelRequested) this.#stop.abort(new CancelledError('It was cancelled'));
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        if (error instanceof LeaseLostError) this.#stop.abort(error);
        else onTrouble?.(error);
        return;
      }
      if (this.signal.aborted || this.#ended.signal.aborted) return;
    }
  }
}
