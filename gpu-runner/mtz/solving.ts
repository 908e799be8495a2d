import { IndefiniteError } from '../linalg/indefiniteError.ts';
import { taskNames, type Network, type WeightedStep } from './network.ts';
import type { StepGram } from './stepGrams.ts';
import { members, type TaskSet } from './taskSet.ts';

/**
 * Does what solves with the Gram matrices of some tasks at a step.
 *
 * @param tasks whose matrices they are, or whose sum is solved with
 * @throws {Error} that names the step, the tasks and the damping, where a matrix is not positive definite.
 */
export async function solving<T>(
  network: Pick<Network, 'tasks'>,
  step: Pick<WeightedStep, 'name'>,
  tasks: TaskSet,
  grams: readonly (StepGram | undefined)[],
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IndefiniteError)) throw error;
    const { pivot, size, value } = error;
    const names = quoted(network, tasks);
    const [first = -1] = members(tasks);
    const damping = grams[first]?.damping;
    const now = damping === undefined ? '' : ` (now ${damping})`;
    const state = Number.isFinite(value)
      ? `is not positive definite (pivot ${pivot} of ${size} is ${Number(value.toPrecision(3))}): raise damping${now}`
      : 'holds numbers that are not finite: its weights or inputs are too large';
    throw new Error(`Cannot zip ${step.name}: its Gram matrix of ${names} ${state}`, { cause: error });
  }
}

/** The names of some tasks, as errors have them: "digit" and "fashion". */
export const quoted = (network: Pick<Network, 'tasks'>, tasks: TaskSet): string =>
  taskNames(network, tasks)
    .map((task) => `"${task}"`)
    .join(' and ');
