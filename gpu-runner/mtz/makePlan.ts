import type { Recipe } from '../../shared/recipe.ts';
import { stoppable } from '../linalg/breathe.ts';
import { checkBudget, limitOf, planPath, planWithin, type Saving } from './budget.ts';
import { layerLosses, type LayerLosses } from './layerLosses.ts';
import { Measurements, type MeasureContext } from './measurements.ts';
import { weightedSteps, widthOf, type Network, type WeightedStep } from './network.ts';
import { planByHand, type Plan } from './plan.ts';
import type { PlanReport, Prediction } from './planReport.ts';
import { planSize } from './planSize.ts';
import { predictLoss } from './predictLoss.ts';
import { pairAll, type Pairings } from './survey.ts';
import type { Source } from './source.ts';
import { kernelArea, valueAt, type Layer } from './topology.ts';
import type { ZipOptions } from './zipOptions.ts';

/**
 * Groups that share channels beyond which no curve is predicted for its own sake. The time it takes grows with their cube:
 * seconds for 20 groups, half a minute for 40.
 */
const mostGroups = 24;
/** Inputs of a layer beyond which none is either: its losses take a matrix of as many, factored, and most of a minute. */
const mostInputs = 8192;

/**
 * What a recipe wants to be shared: as it says by hand, or by the budget that it sets.
 *
 * @throws {Error} when it asks for what cannot be shared, or for less than sharing everything leaves.
 */
export async function makePlan(
  network: Network,
  sources: readonly Source[],
  recipe: Recipe,
  { predict = false, ...options }: Pick<ZipOptions, 'provider' | 'gramBytes' | 'signal' | 'predict'>,
): Promise<PlanReport> {
  const separate = planSize(network, new Map());
  const most = planByHand(network, recipe.share);
  const context = { sources, recipe, ...options };
  const { budget } = recipe;
  if (!budget) {
    const unpredicted = predict ? whyUnpredicted(network, most) : null;
    const isWanted = predict && most.size > 0 && unpredicted === null;
    const prediction = isWanted ? await predictCurve(network, most, 'parameters', context) : null;
    return { plan: most, size: planSize(network, most), separate, prediction, unpredicted };
  }
  checkBudget(network, most, budget, recipe.storage);
  const limit = limitOf(network, budget, recipe.storage);
  const prediction = await predictCurve(network, most, limit.saving, context);
  const { plan, parameters, macs } = planWithin(prediction.curve, limit);
  return { plan, size: { parameters, macs }, separate, prediction, unpredicted: null };
}

function whyUnpredicted(network: Network, { size }: Plan): string | null {
  if (network.settled > 1)
    return 'No loss was predicted: it can be for networks that share nothing yet only.';
  if (size > mostGroups)
    return `No loss was predicted: that takes long for ${size} groups, more than ${mostGroups}. A budget, or a plan with --explain, predicts it.`;
  const widest = weightedSteps(network)
    .filter((step) => step.kind === 'layer')
    .map((step) => ({ name: step.name, inputs: inputsOf(network, step) }))
    .find(({ inputs }) => inputs > mostInputs);
  if (widest)
    return `No loss was predicted: that takes long for the ${widest.inputs} inputs of ${widest.name}, more than ${mostInputs}. A budget, or a plan with --explain, predicts it.`;
  return null;
}

/** Of the task that has most: channels times elements, or times positions of the kernel. */
function inputsOf(network: Network, step: Layer): number {
  const { segments } = valueAt(network.topology, step.input);
  const elements = network.tasks.map((_, task) =>
    segments.reduce((sum, { group, area }) => sum + widthOf(network, group, task) * area, 0),
  );
  return Math.max(...elements) * kernelArea(step);
}

/**
 * Predicted loss against size for every plan that a budget can lead to: what `plan --explain` shows.
 *
 * @param most what is shared at most
 */
export async function predictCurve(
  network: Network,
  most: Plan,
  saving: Saving,
  context: MeasureContext,
): Promise<Prediction> {
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
  const lossOf = predictLoss(network, pairings, layers);
  return { saving, curve: planPath(network, most, saving, lossOf), lossOf };
}
