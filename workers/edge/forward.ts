import { TrunklineError } from '../../shared/errors.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Session, Tensors } from './backend.ts';
import type { Endpoint } from './endpoint.ts';
import { partBytes, partsFor, type Part } from './part.ts';
import type { SessionPool } from './pool.ts';

/** One step of a request and what it took, in milliseconds of the Worker's clock (which production stops between I/O). */
export interface Step {
  readonly what: 'load' | 'run';
  /** Tasks, or null for the trunk: the parts that were loaded, or the one that ran. */
  readonly parts: readonly (string | null)[];
  readonly ms: number;
  /** Graphs and weights read from storage; 0 for a run. */
  readonly sizeBytes: number;
}

export interface Answer {
  /** By task. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** In the order they happened. */
  readonly steps: readonly Step[];
}

export const bytesLoaded = (steps: readonly Step[]): number =>
  steps.reduce((sum, step) => sum + step.sizeBytes, 0);

/**
 * Answers the tasks named in `asked`: for each bundle among them, the trunk once and then the heads asked for. Heads
 * nobody asked for are neither loaded nor run.
 *
 * With `giveWay`, awaited before every part, what runs is nothing that anybody waits for: the sessions yield to others.
 *
 * @throws {TrunklineError} `unavailable`, `invalid` or `too-large`, from loading and running.
 */
export async function forward(
  pool: SessionPool,
  endpoint: Endpoint,
  asked: readonly string[],
  inputs: Tensors,
  giveWay?: () => Promise<void>,
): Promise<Answer> {
  const outputs = new Map<string, Tensor>();
  const steps: Step[] = [];
  for (const parts of partsFor(endpoint, asked)) {
    const started = performance.now();
    const act = async (sessions: readonly Session[], loaded: readonly Part[]): Promise<void> => {
      if (loaded.length > 0) {
        steps.push({
          what: 'load',
          parts: loaded.map((part) => part.task),
          ms: performance.now() - started,
          sizeBytes: loaded.reduce((sum, part) => sum + partBytes(part), 0),
        });
      }
      await runParts(parts, sessions, inputs, outputs, steps, giveWay);
    };
    await pool.use(parts, act, { yielding: giveWay !== undefined });
  }
  return { outputs, steps };
}

async function runParts(
  parts: readonly Part[],
  sessions: readonly Session[],
  inputs: Tensors,
  outputs: Map<string, Tensor>,
  steps: Step[],
  giveWay?: () => Promise<void>,
): Promise<void> {
  let known = inputs;
  for (const [i, part] of parts.entries()) {
    const feeds = pick(known, part.inputs, part.label);
    await giveWay?.();
    const started = performance.now();
    const results = (await sessions[i]?.run(feeds, part.outputs)) ?? {};
    steps.push({ what: 'run', parts: [part.task], ms: performance.now() - started, sizeBytes: 0 });
    if (part.task === null) known = { ...known, ...results };
    else for (const result of Object.values(results)) outputs.set(part.task, result);
  }
}

/** Loads everything the endpoint's tasks need, so that the next request finds it there. */
export async function warmUp(pool: SessionPool, endpoint: Endpoint): Promise<void> {
  for (const parts of partsFor(endpoint, [...endpoint.tasks.keys()])) {
    await pool.use(parts, () => Promise.resolve());
  }
}

function pick(tensors: Tensors, names: readonly string[], label: string): Tensors {
  const picked: Record<string, Tensor> = {};
  for (const name of names) {
    const tensor = tensors[name];
    if (!tensor) throw new TrunklineError('internal', `Cannot run ${label}: nothing computed "${name}"`);
    picked[name] = tensor;
  }
  return picked;
}
