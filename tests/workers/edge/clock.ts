/** Time that passes when someone waits: whoever waits the shortest goes on first. */
export class Clock {
  #now = 1_000_000;
  readonly #sleepers: { at: number; wake: () => void }[] = [];

  readonly now = (): number => this.#now;
  readonly wait = (ms: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + ms, wake });
    });

  /** Lets `ms` pass, and everything happen that was to happen within. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers[0];
      if (!next || next.at > end) break;
      this.#sleepers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = end;
  }

  /** Lets time pass until the work ends. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { ended: false };
    const end = (): void => {
      state.ended = true;
    };
    work.then(end, end);
    while (!state.ended) await this.pass(1);
    return work;
  }
}

/** Lets what needs no time happen. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
