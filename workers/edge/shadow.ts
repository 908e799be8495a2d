import { TrunklineError } from '../../shared/errors.ts';
import type { Arm } from '../../shared/experiment.ts';
import type { Agreement, ShadowRun } from '../../shared/exposure.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { compareOutputs } from './agreement.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import { bytesLoaded, forward } from './forward.ts';
import { limits } from './limits.ts';
import { GaveWay, type SessionPool } from './pool.ts';
import type { Tensors } from './backend.ts';
import { sleep } from './sleep.ts';
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
 * isolate, so a request that comes during one waits for the part that runs, and goes before the next part. The sessions
 * of requests stay loaded.
 */
export class Shadows {
  readonly #pool: SessionPool;
  readonly #endpoints: Endpoints;
  readonly #traffic: Traffic;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #running = false;
  #waiting = 0;
  #waitingBytes = 0;

  constructor(
    pool: SessionPool,
    endpoints: Endpoints,
    traffic: Traffic,
    wait: (ms: number) => Promise<void> = sleep,
    now: () => number = Date.now,
  ) {
    this.#pool = pool;
    this.#endpoints = endpoints;
    this.#traffic = traffic;
    this.#wait = wait;
    this.#now = now;
  }

  /**
   * Runs `arm` on the answered request and compares. Null when it was skipped: the isolate was never quiet, too many
   * wait already, or its memory is full. Failures of the arm are told, not thrown.
   */
  async run(answered: Answered, arm: Arm): Promise<ShadowRun | null> {
    const sizeBytes = [...Object.values(answered.inputs), ...answered.outputs.values()].reduce(
      (sum, { data }) => sum + ('byteLength' in data ? data.byteLength : textBytes(data)),
      0,
    );
    if (this.#waiting >= limits.shadows || this.#waitingBytes + sizeBytes > limits.shadowBytes) return null;
    this.#waiting += 1;
    this.#waitingBytes += sizeBytes;
    try {
      const deadline = this.#now() + limits.shadowPatienceMs;
      if (!(await this.#turn(deadline))) return null;
      try {
        return await this.#compare(answered, arm, deadline);
      } finally {
        this.#running = false;
      }
    } finally {
      this.#waiting -= 1;
      this.#waitingBytes -= sizeBytes;
    }
  }

  /** Waits for the quiet and for the shadow that runs; answers whether the turn came, and was taken, before the deadline. */
  async #turn(deadline: number): Promise<boolean> {
    while (await this.#traffic.quiet(limits.shadowQuietMs, deadline)) {
      if (!this.#running) {
        this.#running = true;
        return true;
      }
      await this.#wait(limits.shadowTurnMs);
    }
    return false;
  }

  async #compare(
    { endpoint, inputs, outputs }: Answered,
    arm: Arm,
    deadline: number,
  ): Promise<ShadowRun | null> {
    /** Requests that came while a part ran are taken in by the wait of 0 ms. */
    const giveWay = async (): Promise<void> => {
      await this.#wait(0);
      await this.#traffic.quiet(limits.shadowQuietMs, deadline);
    };
    try {
      const other = await this.#endpoints.withArm(endpoint, arm);
      const answer = await forward(this.#pool, other, [...outputs.keys()], inputs, giveWay);
      const totalMs = answer.steps.reduce((sum, step) => sum + step.ms, 0);
      const tasks: Record<string, Agreement> = {};
      for (const [task, output] of outputs) {
        const shadow = answer.outputs.get(task);
        const agreement = shadow && compareOutputs(task, output, shadow);
        if (agreement) tasks[task] = agreement;
      }
      return { arm: arm.name, totalMs, bytesLoaded: bytesLoaded(answer.steps), error: null, tasks };
    } catch (error) {
      if (error instanceof GaveWay) return null;
      const code = error instanceof TrunklineError ? error.code : 'internal';
      console.error(`Shadow arm "${arm.name}" of ${endpoint.name} failed:`, error);
      return { arm: arm.name, totalMs: 0, bytesLoaded: 0, error: code, tasks: {} };
    }
  }
}

const textBytes = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length * 2, 0);
