import type { Budget } from '../../../../../shared/recipe.ts';

/** What a budget is of, and the number of it as it is typed; empty: no budget. */
export interface TypedBudget {
  readonly budgetOf: Budget['of'];
  /** Percent of the separate networks, or MiB. */
  readonly budget: string;
}

export const mebibyte = 2 ** 20;

/** What a number of the budget is in: percent of the separate networks, or MiB. */
export const budgetUnit = (of: Budget['of']): '%' | 'MiB' => (of === 'bytes' || of === 'heap' ? 'MiB' : '%');

/** The budget that is typed in; undefined: none, or no number. */
export function budgetOf(form: TypedBudget): Budget | undefined {
  const { budgetOf: of, budget } = form;
  const value = Number(budget);
  if (budget.trim() === '' || !(value >= 0)) return undefined;
  if (of === 'parameters' || of === 'macs') return { of, atMost: value / 100 };
  return { of, atMostBytes: Math.floor(value * mebibyte) };
}
