import { AsyncLocalStorage } from 'node:async_hooks';

// Long computations are many layers below whoever may stop them: what stops them travels with the asynchronous context, so
// that mathematics takes tensors and returns tensors.

const signals = new AsyncLocalStorage<AbortSignal>();

/** Milliseconds of work between two turns of everything else. */
const turnMs = 50;
let turnedAt = 0;

/** Does work in which {@link breathe} throws the signal's reason once it is aborted. */
export const stoppable = <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> =>
  signal ? signals.run(signal, work) : work();

/**
 * To be called between two blocks of long work: lets everything else have its turn now and then, so that a signal can
 * arrive at all.
 *
 * @throws the reason, when the work is to stop
 */
export async function breathe(): Promise<void> {
  const signal = signals.getStore();
  if (!signal) return;
  if (performance.now() - turnedAt > turnMs) {
    await new Promise((resolve) => setImmediate(resolve));
    turnedAt = performance.now();
  }
  signal.throwIfAborted();
}
