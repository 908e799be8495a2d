/** One thing on its way into a batch. */
export interface Putting<Batch> {
  readonly fits: (batch: Batch) => boolean;
  /** @returns whether the batch is full with it and is to be sent at once */
  readonly put: (batch: Batch) => boolean;
}

export interface OutboxOptions<Batch> {
  /** How long a batch may wait for more, in milliseconds. */
  readonly waitMs: number;
  readonly empty: () => Batch;
  /** Never fails. */
  readonly send: (batch: Batch) => Promise<void>;
  readonly wait: (ms: number) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Open<Batch> {
  readonly batch: Batch;
  readonly openedAt: number;
}

/** Gathers what an isolate has to tell into batches, each sent when it is full or has waited long enough. */
export class Outbox<Batch> {
  readonly #options: OutboxOptions<Batch>;
  #open: Open<Batch> | null = null;

  constructor(options: OutboxOptions<Batch>) {
    this.#options = options;
  }

  /** Ends, without ever failing, when this call's part in sending is done: hand it to `waitUntil`. */
  async add({ fits, put }: Putting<Batch>): Promise<void> {
    const { empty, now, waitMs } = this.#options;
    const sending: Promise<void>[] = [];
    // Late when the request that was to send it ended before its time.
    if (this.#open && (now() - this.#open.openedAt > waitMs || !fits(this.#open.batch)))
      sending.push(this.#flush());
    let open = this.#open;
    if (!open) {
      open = this.#open = { batch: empty(), openedAt: now() };
      sending.push(this.#flushInTime(open));
    }
    if (put(open.batch)) sending.push(this.#flush());
    await Promise.all(sending);
  }

  async #flushInTime(open: Open<Batch>): Promise<void> {
    await this.#options.wait(this.#options.waitMs);
    if (this.#open === open) await this.#flush();
  }

  async #flush(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    await this.#options.send(open.batch);
  }
}
