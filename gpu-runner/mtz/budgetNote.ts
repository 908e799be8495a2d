import { estimateHeapBytes, heldParameterBytes, parameterBytes } from '../../shared/heap.ts';
import type { Budget, Recipe } from '../../shared/recipe.ts';
import { limitOf } from './budget.ts';
import type { PlanReport } from './planReport.ts';
import type { Network } from './network.ts';
import type { Plan } from './plan.ts';
import { planSize, type PlanSize } from './planSize.ts';

/**
 * Says so where floors gave up so much of a plan that its budget is not kept any more.
 *
 * @param network the networks side by side, as the zip began
 * @param plan what the budget led to
 * @param held what floors left of it
 */
export function budgetNote(
  network: Network,
  { budget, storage }: Pick<Recipe, 'budget' | 'storage'>,
  { separate }: Pick<PlanReport, 'separate'>,
  held: Plan,
): string[] {
  if (!budget) return [];
  const size = planSize(network, held);
  const { saving, atMost } = limitOf(network, budget, storage);
  if (size[saving] <= atMost) return [];
  const { kept, asked } = figures(budget, storage, { size, separate });
  return [`Floors keep ${kept} where the budget asked for ${asked}`];
}

function figures(
  budget: Budget,
  storage: Recipe['storage'],
  { size, separate }: { readonly size: PlanSize; readonly separate: PlanSize },
): { kept: string; asked: string } {
  switch (budget.of) {
    case 'parameters':
    case 'macs': {
      const what = budget.of === 'macs' ? 'multiply-adds' : 'parameters';
      const share = size[budget.of] / separate[budget.of];
      return { kept: `${percent(share)} of the ${what}`, asked: percent(budget.atMost) };
    }
    case 'bytes': {
      const bytes = size.parameters * parameterBytes[storage];
      return { kept: `${bytes} bytes of weights`, asked: `${budget.atMostBytes}` };
    }
    case 'heap': {
      const bytes = estimateHeapBytes(size.parameters * heldParameterBytes(storage));
      return { kept: `a heap of ${bytes} bytes`, asked: `${budget.atMostBytes}` };
    }
    default:
      return budget satisfies never;
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
