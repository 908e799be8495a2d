import type { Recipe } from '../../shared/recipe.ts';
import { limitOf, planPath, planWithin, type PlanPoint } from './budget.ts';
import { dropLoss, inputLosses, type InputLosses } from './dropLoss.ts';
import { Measurements, type MeasureContext } from './measurements.ts';
import type { Network } from './network.ts';
import { planByHand, type Plan } from './plan.ts';
import { planSize, type PlanSize } from './planSize.ts';
import { pairAll, type GramSource } from './survey.ts';
import type { Source } from './source.ts';
import type { ZipOptions } from './zipOptions.ts';

/** A plan and what was known of it before anything was shared. */
export interface PlanReport {
  readonly plan: Plan;
  readonly size: PlanSize;
  /** Of the separate networks. */
  readonly separate: PlanSize;
  /** Predicted loss of the plan; null where the recipe says by hand what is shared. */
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
  const losses = new Map<string, InputLosses>();
  // What is dropped is judged as soon as a layer is measured, so that its Gram matrices need not stay.
  const grams: GramSource = {
    async of(step) {
      const measured = await measurements.of(step);
      if (network.wiring === 'one-way' && step.kind === 'layer' && !losses.has(step.name))
        losses.set(step.name, await inputLosses(network, step, measured));
      return measured;
    },
    release: (step) => measurements.release(step),
  };
  const pairings = await pairAll(network, grams, context.recipe, (group) => most.get(group) ?? 0);
  return planPath(network, most, pairings, saving, dropLoss(network, pairings, losses));
}
