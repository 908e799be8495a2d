import {
  maxBatchBytes,
  maxBatchExposures,
  type Exposure,
  type ExposureBatch,
} from '../../shared/exposure.ts';
import { limits } from './limits.ts';
import { sendPatiently, type Sender } from './send-patiently.ts';
import { sleep } from './sleep.ts';

/** Exposures that travel together. */
interface Batch {
  readonly exposures: Exposure[];
  readonly openedAt: number;
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
  readonly #queue: Sender;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #open: Batch | null = null;
  #lost = 0;

  constructor(queue: Sender, wait: (ms: number) => Promise<void> = sleep, now: () => number = Date.now) {
    this.#queue = queue;
    this.#wait = wait;
    this.#now = now;
  }

  /** Exposures given up, since this isolate started. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends, without ever failing, when this call's part in sending is done: hand it to `waitUntil`. */
  async add(exposure: Exposure): Promise<void> {
    let told = exposure;
    if (envelopeBytes + jsonBytes(told) > maxBatchBytes) told = { ...told, predicted: {} };
    const size = jsonBytes(told);
    const sending: Promise<void>[] = [];
    // Late when the request that was to send it ended before its time.
    const late = this.#open !== null && this.#now() - this.#open.openedAt > limits.exposureWaitMs;
    if (this.#open && (late || this.#open.jsonBytes + size > maxBatchBytes)) sending.push(this.#flush());
    let batch = this.#open;
    if (!batch) {
      batch = this.#open = { exposures: [], openedAt: this.#now(), jsonBytes: envelopeBytes };
      sending.push(this.#flushInTime(batch));
    }
    batch.exposures.push(told);
    batch.jsonBytes += size;
    if (batch.exposures.length >= maxBatchExposures) sending.push(this.#flush());
    await Promise.all(sending);
  }

  async #flushInTime(batch: Batch): Promise<void> {
    await this.#wait(limits.exposureWaitMs);
    if (this.#open === batch) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#open;
    if (!batch) return;
    this.#open = null;
    const message: ExposureBatch = { format: 'trunkline.exposures/1', exposures: batch.exposures };
    const failure = await sendPatiently(this.#queue, message, this.#wait);
    if (failure === null) return;
    this.#lost += batch.exposures.length;
    console.error(
      `Cannot send ${batch.exposures.length} exposures, they are lost (${this.#lost} in all):`,
      failure.cause,
    );
  }
}
