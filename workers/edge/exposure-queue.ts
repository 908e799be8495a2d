import {
  maxBatchBytes,
  maxBatchExposures,
  type Exposure,
  type ExposureBatch,
} from '../../shared/exposure.ts';
import { limits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { sendPatiently, type Sender } from './send-patiently.ts';
import { sleep } from './sleep.ts';

/** Exposures that travel together. */
interface Batch {
  readonly exposures: Exposure[];
  jsonBytes: number;
}

/** The contract is ASCII throughout (ids, names, digests), so characters are bytes; 1 is for the comma. */
const jsonBytes = (value: object): number => JSON.stringify(value).length + 1;
const envelopeBytes = jsonBytes({ format: 'trunkline.exposures/1', exposures: [] } satisfies ExposureBatch);

/**
 * Gathers an isolate's exposures into messages of at most `maxBatchBytes` and `maxBatchExposures`, each sent no later
 * than `limits.exposureWaitMs` after its first. A message that cannot be sent is tried again a few times, then counted
 * and logged: replies never depend on it.
 */
export class ExposureQueue {
  readonly #outbox: Outbox<Batch>;
  #lost = 0;

  constructor(queue: Sender, wait: (ms: number) => Promise<void> = sleep, now: () => number = Date.now) {
    this.#outbox = new Outbox({
      ...{ waitMs: limits.exposureWaitMs, wait, now },
      empty: (): Batch => ({ exposures: [], jsonBytes: envelopeBytes }),
      send: ({ exposures }) => this.#send(queue, exposures, wait),
    });
  }

  /** Exposures given up, since this isolate started. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends, without ever failing, when this call's part in sending is done: hand it to `waitUntil`. */
  add(exposure: Exposure): Promise<void> {
    let told = exposure;
    if (envelopeBytes + jsonBytes(told) > maxBatchBytes) told = { ...told, predicted: {} };
    const size = jsonBytes(told);
    return this.#outbox.add({
      fits: (batch) => batch.jsonBytes + size <= maxBatchBytes,
      put: (batch) => {
        batch.exposures.push(told);
        batch.jsonBytes += size;
        return batch.exposures.length >= maxBatchExposures;
      },
    });
  }

  async #send(queue: Sender, exposures: Exposure[], wait: (ms: number) => Promise<void>): Promise<void> {
    const message: ExposureBatch = { format: 'trunkline.exposures/1', exposures };
    const failure = await sendPatiently(queue, message, wait);
    if (failure === null) return;
    this.#lost += exposures.length;
    console.error(
      `Cannot send ${exposures.length} exposures, they are lost (${this.#lost} in all):`,
      failure.cause,
    );
  }
}
