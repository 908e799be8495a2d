import { maxSources } from '../../shared/recipe.ts';

/**
 * Which of a network's tasks use something, as a set of bits: bit t is task t. Blocks of channels are told apart by it,
 * and "reads", "shares" and "contains" are single operations on it.
 */
export type TaskSet = number;

/** Their bits make a JavaScript integer that stays positive; jobs ask for no more. */
export const maxTasks = maxSources;

export const single = (task: number): TaskSet => 1 << task;
export const allOf = (tasks: number): TaskSet => (1 << tasks) - 1;
export const contains = (outer: TaskSet, inner: TaskSet): boolean => (outer & inner) === inner;
export const meets = (one: TaskSet, other: TaskSet): boolean => (one & other) !== 0;

/** The task numbers in the set, ascending. */
export function members(set: TaskSet): number[] {
  const tasks: number[] = [];
  for (let task = 0; task < maxTasks; task += 1) if (meets(set, single(task))) tasks.push(task);
  return tasks;
}

/** The names of the set's tasks joined, e.g. "digit+fashion". */
export const label = (set: TaskSet, names: readonly string[]): string =>
  members(set)
    .map((task) => names[task] ?? String(task))
    .join('+');
