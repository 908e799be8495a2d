import { parameterBytes } from '../../shared/heap.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { TradeoffReport } from '../../shared/report.ts';
import { limitOf, thinCurve } from '../mtz/budget.ts';
import { planOf } from '../mtz/plan.ts';
import { planSize } from '../mtz/planSize.ts';
import type { Zipped } from '../mtz/zip.ts';

/** What a merge came to. */
export interface Outcome {
  /** Of the bundle's graphs and weights. */
  readonly storedBytes: number;
  /** How far its answers are from the separate networks', a part of their variance; null where nobody looked. */
  readonly distance: number | null;
}

/**
 * The predicted curve, what the merge was predicted to lose as it came out, floors having changed the plan or not, and what
 * it lost. Graphs and scales are taken to be as large everywhere on the curve as they are in the bundle.
 *
 * @returns undefined where nothing was predicted
 */
export function tradeoffReport(
  { plan: { prediction }, network }: Pick<Zipped, 'plan' | 'network'>,
  { budget, storage }: Pick<Recipe, 'budget' | 'storage'>,
  { storedBytes, distance }: Outcome,
): TradeoffReport | undefined {
  if (!prediction) return undefined;
  const { curve, lossOf, saving } = prediction;
  const plan = planOf(network);
  const { parameters, macs } = planSize(network, plan);
  const bytesOf = (count: number): number =>
    Math.max(0, Math.round(storedBytes + (count - parameters) * parameterBytes[storage]));
  const made = { bytes: storedBytes, macs };
  const limit = budget && limitOf(network, budget, storage);
  return {
    of: saving === 'macs' ? 'macs' : 'bytes',
    predicted: thinCurve(curve)
      .map((point) => ({ bytes: bytesOf(point.parameters), macs: point.macs, loss: point.loss }))
      .filter(isFinite),
    measured: [{ ...made, loss: distance ?? NaN, label: 'after retraining' }].filter(isFinite),
    ...(limit?.saving === 'parameters' && { budgetBytes: bytesOf(Math.floor(limit.atMost)) }),
    ...(limit?.saving === 'macs' && { budgetMacs: Math.floor(limit.atMost) }),
    ...[{ ...made, loss: lossOf(plan) }].filter(isFinite).map((chosen) => ({ chosen }))[0],
  };
}

/** Losses may be beyond all numbers where a network's answers do not vary. */
const isFinite = ({ loss }: { readonly loss: number }): boolean => Number.isFinite(loss);
