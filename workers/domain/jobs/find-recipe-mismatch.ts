import { hasLabels, isJudgedByLabels, type DatasetDocument } from '../../../shared/dataset.ts';
import type { Recipe } from '../../../shared/recipe.ts';
import { referenceOf } from '../../../shared/registry.ts';
import type { ResolvedSource } from './resolved-source.ts';

/**
 * Why a recipe asks for what the data do not have, the field first as in a request that breaks its schema; null: it does
 * not, as far as the documents tell. A runner finds the same, but only after it fetched and read everything.
 */
export function findRecipeMismatch(recipe: Recipe, sources: readonly ResolvedSource[]): string | null {
  for (const source of sources) {
    const why = misfit(recipe, source);
    if (why !== null) return why;
  }
  const tasks = sources.map(({ task }) => task);
  const unknown = Object.keys(recipe.floors?.accuracy ?? {}).find((task) => !tasks.includes(task));
  return unknown === undefined ? null : `recipe.floors.accuracy.${unknown}: no source is of that task`;
}

function misfit({ retraining, floors }: Recipe, { task, data }: ResolvedSource): string | null {
  // The rows of data sets hold such documents.
  const { source, split } = data.document as DatasetDocument;
  const set = `data set "${referenceOf(data)}" of task "${task}"`;
  const { stepsPerLayer, finalSteps, distillation } = retraining;
  if (stepsPerLayer + finalSteps > 0 && distillation < 1 && !hasLabels(source))
    return `recipe.retraining.distillation: ${set} has no labels to retrain by, set it to 1`;
  if (floors?.accuracy?.[task] !== undefined && !isJudgedByLabels({ source, split }))
    return `recipe.floors.accuracy.${task}: ${set} has no labels to measure accuracy by, leave the floor out`;
  if (floors !== undefined && hasLabels(source) && !('source' in split) && split.validation === 0)
    return `recipe.floors: ${set} holds no samples out to measure accuracy on`;
  return null;
}
