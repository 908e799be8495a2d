import type { Recipe } from '../../shared/recipe.ts';
import { measureTasks, type MeasureContext } from './measurements.ts';
import type { Network, WeightedStep } from './network.ts';
import { isRefittable, refitStep } from './refit.ts';
import type { StepGram } from './stepGrams.ts';
import { isFormed } from './survey.ts';
import { inputGroup } from './topology.ts';

/** Fits weights to the networks as they were before anything was shared, where the recipe asks for it. */
export class Refitter {
  private readonly untouched: Network;
  private readonly recipe: Pick<Recipe, 'refit'>;
  private readonly context: MeasureContext;

  constructor(untouched: Network, recipe: Pick<Recipe, 'refit'>, context: MeasureContext) {
    this.untouched = untouched;
    this.recipe = recipe;
    this.context = context;
  }

  /** Whether something has been shared that a step's weights may make up for. Sparse networks are not fitted: zeros would go. */
  fits(network: Network, step: WeightedStep): boolean {
    if (!this.recipe.refit || network.sparse) return false;
    const isShared = network.topology.groups.some(
      (_, group) => group !== inputGroup && isFormed(network, group),
    );
    return isShared && isRefittable(network, step);
  }

  /**
   * The network with a step fitted, or as it is where there is nothing to fit.
   *
   * @param grams by task, measured in the network as it stands; measured where they are not given
   */
  async fit(network: Network, step: WeightedStep, grams?: readonly StepGram[]): Promise<Network> {
    if (!this.fits(network, step)) return network;
    const measured = grams ?? (await measureTasks(network, step, this.context));
    return refitStep(network, this.untouched, step, measured, this.context);
  }
}
