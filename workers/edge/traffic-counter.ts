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
import { Outbox } from './outbox.ts';
import { sendPatiently, type Sender } from './send-patiently.ts';
import { sleep } from './sleep.ts';

/** A request that came to an endpoint, once its answer was made. */
export type Counted = { readonly endpoint: string; readonly at: Date } & (
  { readonly error: ErrorCode } | { readonly error: null; readonly totalMs: number; readonly samples: number }
);

/** By endpoint and minute. */
type Counts = Map<string, TrafficCount>;

/**
 * Adds up an isolate's requests by endpoint and minute, and sends what there is in one message, no later than
 * `limits.trafficWaitMs` after its first. Counts that cannot be sent after a few tries, and those an isolate is ended with,
 * are lost: replies never depend on them.
 */
export class TrafficCounter {
  readonly #outbox: Outbox<Counts>;
  #lost = 0;

  constructor(queue: Sender, wait: (ms: number) => Promise<void> = sleep, now: () => number = Date.now) {
    this.#outbox = new Outbox({
      ...{ waitMs: limits.trafficWaitMs, wait, now },
      empty: (): Counts => new Map(),
      send: (counts) => this.#send(queue, [...counts.values()], trafficMessageId(new Date(now())), wait),
    });
  }

  /** Requests given up, since this isolate started. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends, without ever failing, when this call's part in sending is done: hand it to `waitUntil`. */
  count(request: Counted): Promise<void> {
    const at = startOfMinute(request.at);
    const key = `${request.endpoint} ${at}`;
    return this.#outbox.add({
      fits: (counts) => counts.size < maxTrafficCounts || counts.has(key),
      put: (counts) => {
        const count = counts.get(key) ?? {
          ...{ endpoint: request.endpoint, at, samples: 0, errors: {}, latency: {} },
        };
        counts.set(key, count);
        if (request.error !== null) count.errors[request.error] = (count.errors[request.error] ?? 0) + 1;
        else {
          const bucket = latencyBucket(request.totalMs);
          count.samples += request.samples;
          count.latency[bucket] = (count.latency[bucket] ?? 0) + 1;
        }
        return false;
      },
    });
  }

  async #send(
    queue: Sender,
    counts: TrafficCount[],
    id: string,
    wait: (ms: number) => Promise<void>,
  ): Promise<void> {
    const message: TrafficMessage = { format: 'trunkline.traffic/1', id, counts };
    const failure = await sendPatiently(queue, message, wait);
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
