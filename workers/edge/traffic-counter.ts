import type { ErrorCode } from '../../shared/errors.ts';
import { latencyBucket } from '../../shared/latency-histogram.ts';
import {
  maxTrafficCounts,
  requestsOf,
  trafficMessageId,
  type TrafficCount,
  type TrafficMessage,
} from '../../shared/traffic-message.ts';
import { limits } from './limits.ts';
import { sendPatiently, type Sender } from './send-patiently.ts';
import { sleep } from './sleep.ts';

/** A request that came to an endpoint, once its answer was made. */
export type Counted = { readonly endpoint: string; readonly at: Date } & (
  { readonly error: ErrorCode } | { readonly error: null; readonly totalMs: number; readonly samples: number }
);

/** What is counted and not sent yet. */
interface Open {
  readonly counts: Map<string, TrafficCount>;
  readonly openedAt: number;
}

/**
 * Adds up an isolate's requests by endpoint and minute, and sends what there is in one message, no later than
 * `limits.trafficWaitMs` after its first. Counts that cannot be sent after a few tries, and those an isolate is ended with,
 * are lost: replies never depend on them.
 */
export class TrafficCounter {
  readonly #queue: Sender;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #open: Open | null = null;
  #lost = 0;

  constructor(queue: Sender, wait: (ms: number) => Promise<void> = sleep, now: () => number = Date.now) {
    this.#queue = queue;
    this.#wait = wait;
    this.#now = now;
  }

  /** Requests given up, since this isolate started. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends, without ever failing, when this call's part in sending is done: hand it to `waitUntil`. */
  async count(request: Counted): Promise<void> {
    const at = startOfMinute(request.at);
    const key = `${request.endpoint} ${at}`;
    const sending: Promise<void>[] = [];
    // Late when the request that was to send it ended before its time.
    const late = this.#open !== null && this.#now() - this.#open.openedAt > limits.trafficWaitMs;
    const full = this.#open?.counts.size === maxTrafficCounts && !this.#open.counts.has(key);
    if (late || full) sending.push(this.#flush());
    let open = this.#open;
    if (!open) {
      open = this.#open = { counts: new Map(), openedAt: this.#now() };
      sending.push(this.#flushInTime(open));
    }
    const count = open.counts.get(key) ?? {
      ...{ endpoint: request.endpoint, at, samples: 0, errors: {}, latency: {} },
    };
    open.counts.set(key, count);
    if (request.error !== null) count.errors[request.error] = (count.errors[request.error] ?? 0) + 1;
    else {
      const bucket = latencyBucket(request.totalMs);
      count.samples += request.samples;
      count.latency[bucket] = (count.latency[bucket] ?? 0) + 1;
    }
    await Promise.all(sending);
  }

  async #flushInTime(open: Open): Promise<void> {
    await this.#wait(limits.trafficWaitMs);
    if (this.#open === open) await this.#flush();
  }

  async #flush(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    const counts = [...open.counts.values()];
    const id = trafficMessageId(new Date(this.#now()));
    const message: TrafficMessage = { format: 'trunkline.traffic/1', id, counts };
    const failure = await sendPatiently(this.#queue, message, this.#wait);
    if (failure === null) return;
    const requests = counts.reduce((sum, one) => sum + requestsOf(one), 0);
    this.#lost += requests;
    console.error(
      `Cannot tell that ${requests} requests came, they are not counted (${this.#lost} in all):`,
      failure.cause,
    );
  }
}

const startOfMinute = (at: Date): string => `${at.toISOString().slice(0, 16)}:00.000Z`;
