/** Adds up how long a piece of work was in each of its stages. */
export class Stopwatch {
  readonly #totals = new Map<string, number>();
  #stage: string | undefined;
  #since = 0;

  /** Ends the stage that is on, and begins this one or goes on with it. */
  enter(stage: string): void {
    if (stage === this.#stage) return;
    this.end();
    this.#stage = stage;
    this.#since = performance.now();
  }

  end(): void {
    if (this.#stage === undefined) return;
    const spent = performance.now() - this.#since;
    this.#totals.set(this.#stage, (this.#totals.get(this.#stage) ?? 0) + spent);
    this.#stage = undefined;
  }

  /** In the order in which they first began, those that are over. */
  get stages(): { stage: string; ms: number }[] {
    return [...this.#totals].map(([stage, ms]) => ({ stage, ms: Math.round(ms) }));
  }
}
