import type { Budget, Floors, Retraining } from '../../../../../shared/recipe.ts';
import { formatBytes, formatPercent } from '../../ui/format.ts';

// What a recipe asks for, as people say it.

export function budgetWords(budget: Budget): string {
  switch (budget.of) {
    case 'parameters':
    case 'macs':
      return `at most ${formatPercent(budget.atMost, 1)} of the separate networks' ${budget.of === 'macs' ? 'multiply-adds' : 'parameters'}`;
    case 'bytes':
      return `at most ${formatBytes(budget.atMostBytes)} of weights`;
    case 'heap':
      return `at most ${formatBytes(budget.atMostBytes)} of heap at the edge`;
    default:
      return budget satisfies never;
  }
}

/** "digit at least 98.00 %; others lose 1.00 points at most". */
export function floorWords({ accuracy = {}, maxDrop }: Floors): string {
  const own = Object.entries(accuracy).map(([task, share]) => `${task} at least ${formatPercent(share)}`);
  const lost = maxDrop === undefined ? '' : `lose ${(100 * maxDrop).toFixed(2)} points at most`;
  if (lost === '') return own.join(', ');
  return own.length === 0 ? `tasks ${lost}` : `${own.join(', ')}; others ${lost}`;
}

/** How long, and whose answers are learnt. */
export function retrainingWords({ stepsPerLayer, finalSteps, distillation }: Retraining): string {
  if (stepsPerLayer + finalSteps === 0) return 'none';
  const from =
    distillation === 1
      ? "the originals' answers"
      : distillation === 0
        ? 'labels'
        : `labels and, for ${formatPercent(distillation, 0)}, the originals' answers`;
  return `${stepsPerLayer} steps a layer, ${finalSteps} at the end, by ${from}`;
}
