import { MemoryBudgetError } from '../../data/memoryBudget.ts';
import { JobError } from './job.ts';

/** The setting of a runner that says how much memory the samples of one task may take. */
export const dataMemoryVariable = 'TRUNKLINE_RUNNER_DATA_MEMORY';

/** Whether data are refused for the memory they take. */
export function isTooLarge(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof MemoryBudgetError) return true;
  return false;
}

/**
 * Says which setting gives data more memory, where they take more than they may; the message has both sizes already.
 *
 * @throws {JobError} not to be tried again: this runner would refuse them again
 * @throws what it is given, where that is something else
 */
export function nameDataMemory(error: unknown): never {
  if (!isTooLarge(error) || !(error instanceof Error)) throw error;
  throw new JobError(
    `${error.message}: give the runner more by ${dataMemoryVariable}, where its machine has it, and retry the job`,
    { cause: error, retryable: false },
  );
}
