import { TrunklineError } from '../../shared/errors.ts';
import type { Arm } from '../../shared/experiment.ts';
import type { Agreement, ShadowRun } from '../../shared/exposure.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { compareOutputs } from './agreement.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import { bytesLoaded, forward } from './forward.ts';
import { limits } from './limits.ts';
import type { SessionPool } from './pool.ts';
import { Serial } from './serial.ts';
import type { Tensors } from './session.ts';
import type { Traffic } from './traffic.ts';

/** What was asked, and what the reply said. */
export interface Answered {
  readonly endpoint: Endpoint;
  readonly inputs: Tensors;
  /** By task: those that were asked. */
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/**
 * Runs other arms on requests that were answered, in the quiet between requests, one at a time. A run blocks the
 * isolate, so a request that comes during one waits for one part of it at most; the sessions of requests stay loaded.
 */
export class Shadows {
  readonly #pool: SessionPool;
  readonly #endpoints: Endpoints;
  readonly #traffic: Traffic;
  readonly #now: () => number;
  readonly #one = new Serial();
  #waitingBytes = 0;

  constructor(pool: SessionPool, endpoints: Endpoints, traffic: Traffic, now: () => number = Date.now) {
    this.#pool = pool;
    this.#endpoints = endpoints;
    this.#traffic = traffic;
    this.#now = now;
  }

  /**
   * Runs `arm` on the answered request and compares. Null when it was skipped: the isolate was never quiet, or too much
   * is waiting already. Failures of the arm are told, not thrown.
   */
  async run(answered: Answered, arm: Arm): Promise<ShadowRun | null> {
    const sizeBytes = [...Object.values(answered.inputs), ...answered.outputs.values()].reduce(
      (sum, { data }) => sum + ('byteLength' in data ? data.byteLength : textBytes(data)),
      0,
    );
    if (this.#waitingBytes + sizeBytes > limits.shadowBytes) return null;
    this.#waitingBytes += sizeBytes;
    const deadline = this.#now() + limits.shadowPatienceMs;
    try {
      return await this.#one.run(async () =>
        (await this.#traffic.quiet(limits.shadowQuietMs, deadline)) ? this.#compare(answered, arm) : null,
      );
    } finally {
      this.#waitingBytes -= sizeBytes;
    }
  }

  async #compare({ endpoint, inputs, outputs }: Answered, arm: Arm): Promise<ShadowRun> {
    const started = performance.now();
    try {
      const other = await this.#endpoints.withArm(endpoint, arm);
      const answer = await forward(this.#pool, other, [...outputs.keys()], inputs, { yielding: true });
      const totalMs = performance.now() - started;
      const tasks: Record<string, Agreement> = {};
      for (const [task, output] of outputs) {
        const shadow = answer.outputs.get(task);
        const agreement = shadow && compareOutputs(task, output, shadow);
        if (agreement) tasks[task] = agreement;
      }
      return { arm: arm.name, totalMs, bytesLoaded: bytesLoaded(answer.steps), error: null, tasks };
    } catch (error) {
      const code = error instanceof TrunklineError ? error.code : 'internal';
      console.error(`Shadow arm "${arm.name}" of ${endpoint.name} failed:`, error);
      return { arm: arm.name, totalMs: performance.now() - started, bytesLoaded: 0, error: code, tasks: {} };
    }
  }
}

const textBytes = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length * 2, 0);
