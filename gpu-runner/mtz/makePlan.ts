import type { Recipe } from '../../shared/recipe.ts';
import { stoppable } from '../linalg/breathe.ts';
import { limitOf, planPath, planWithin, type PlanPoint } from './budget.ts';
import { layerLosses, type LayerLosses } from './layerLosses.ts';
import { Measurements, type MeasureContext } from './measurements.ts';
import { weightedSteps, type Network, type WeightedStep } from './network.ts';
import { planByHand, type Plan } from './plan.ts';
import { planSize, type PlanSize } from './planSize.ts';
import { predictLoss } from './predictLoss.ts';
import { pairAll, type Pairings } from './survey.ts';
import type { Source } from './source.ts';
import type { ZipOptions } from './zipOptions.ts';

/** A plan and what was known of it before anything was shared. */
export interface PlanReport {
  readonly plan: Plan;
  readonly size: PlanSize;
  /** Of the separate networks. */
  readonly separate: PlanSize;
  /** Predicted loss of the plan, a part of the variance of the answers; null where the recipe says by hand what is shared. */
  readonly loss: number | null;
  /** Loss against size, from sharing everything to sharing nothing; empty where the recipe says what is shared. */
  readonly curve: readonly PlanPoint[];
}

/**
 * What a recipe wants to be shared: as it says by hand, or by the budget that it sets.
 *
 * @throws {Error} when it asks for what cannot be shared, or for less than sharing everything leaves.
 */
export async function makePlan(
  network: Network,
  sources: readonly Source[],
  recipe: Recipe,
  options: Pick<ZipOptions, 'provider' | 'gramBytes' | 'signal'>,
): Promise<PlanReport> {
  const separate = planSize(network, new Map());
  const most = planByHand(network, recipe.share);
  const { budget } = recipe;
  if (!budget) return { plan: most, size: planSize(network, most), separate, loss: null, curve: [] };
  const limit = limitOf(network, budget, recipe.storage);
  const curve = await predictCurve(network, most, limit.saving, { sources, recipe, ...options });
  const { plan, loss, parameters, macs } = planWithin(network, curve, limit);
  return { plan, size: { parameters, macs }, separate, loss, curve };
}

/**
 * Predicted loss against size for every plan that a budget can lead to: what `plan --explain` shows.
 *
 * @param most what is shared at most
 */
export async function predictCurve(
  network: Network,
  most: Plan,
  saving: keyof PlanSize,
  context: MeasureContext,
): Promise<PlanPoint[]> {
  const measurements = new Measurements(network, context);
  const layers = new Map<string, LayerLosses>();
  // A layer is judged as soon as its channels are paired, so that its Gram matrices need not stay.
  const judge = async (step: WeightedStep, pairings: Pairings): Promise<void> => {
    if (step.kind === 'layer')
      layers.set(step.name, await layerLosses(network, step, await measurements.of(step), pairings));
    measurements.release(step);
  };
  const grams = { of: (step: WeightedStep) => measurements.of(step), release: judge };
  const pairings = await stoppable(context.signal, () =>
    pairAll(network, grams, context.recipe, (group) => most.get(group) ?? 0),
  );
  for (const step of weightedSteps(network))
    if (step.kind === 'layer' && !layers.has(step.name)) await judge(step, pairings);
  return planPath(network, most, saving, predictLoss(network, pairings, layers));
}
