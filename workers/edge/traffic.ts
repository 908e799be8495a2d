import { sleep } from './sleep.ts';

/** How busy this isolate is with requests, so that work nobody waits for can keep out of their way. */
export class Traffic {
  readonly #wait: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #inProgress = 0;
  #lastEnded = -Infinity;

  constructor(wait: (ms: number) => Promise<void> = sleep, now: () => number = Date.now) {
    this.#wait = wait;
    this.#now = now;
  }

  /** Counts a request as in progress until `work` ends. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#inProgress += 1;
    try {
      return await work();
    } finally {
      this.#inProgress -= 1;
      this.#lastEnded = this.#now();
    }
  }

  /**
   * Waits until no request has been here for `quietMs`, and answers whether that came before the time `deadline`.
   *
   * It looks again and again: the platform cancels a request that waits for nothing but another request.
   */
  async quiet(quietMs: number, deadline: number): Promise<boolean> {
    for (;;) {
      const now = this.#now();
      const quietFor = this.#inProgress > 0 ? 0 : now - this.#lastEnded;
      if (now >= deadline) return false;
      if (quietFor >= quietMs) return true;
      await this.#wait(Math.min(quietMs - quietFor, deadline - now));
    }
  }
}
