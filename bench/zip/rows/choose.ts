import type { RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { bestZip, type ZipOutcome, type ZipSpec } from '../zips.ts';
import { untrained } from './row.ts';

/** A merge whose damping and retraining are still to be chosen. */
export type OpenSpec = Omit<ZipSpec, 'recipe'> & {
  readonly recipe: Omit<RecipeInput, 'retraining' | 'damping'>;
};

/** Relative to the mean diagonal of the Gram matrices: from hardly any to where it starts to hurt. */
const allDampings = [1e-4, 1e-3, 1e-2, 1e-1, 1];

export interface Chosen {
  readonly recipe: RecipeInput & { readonly damping: number };
  readonly outcome: ZipOutcome;
}

/** The damping that is best on validation samples when nothing is retrained, and what comes of it. */
export async function chooseDamping(
  context: Context,
  spec: OpenSpec,
  dampings: readonly number[] = allDampings,
): Promise<Chosen> {
  const candidates = dampings.map((damping) => ({
    ...spec,
    recipe: { ...spec.recipe, damping, retraining: untrained },
  }));
  const best = await bestZip(context, candidates);
  const recipe = candidates.find((candidate) => candidate === best.spec)?.recipe;
  if (!recipe) throw new Error('Cannot choose a damping: there are no candidates');
  return { recipe, outcome: best.outcome };
}

/** Chooses the damping, then the retraining, both on validation samples. */
export async function chooseRecipe(
  context: Context,
  spec: OpenSpec,
  retrainings: readonly RecipeInput['retraining'][],
  dampings: readonly number[] = allDampings,
): Promise<Chosen & { readonly bare: ZipOutcome; readonly note: string }> {
  const { recipe, outcome: bare } = await chooseDamping(context, spec, dampings);
  const candidates = retrainings.map((retraining) => ({ ...spec, recipe: { ...recipe, retraining } }));
  const best = await bestZip(context, candidates);
  const chosen = { ...recipe, ...best.spec.recipe, damping: recipe.damping };
  return { recipe: chosen, outcome: best.outcome, bare, note: noteOf(chosen) };
}

/** What was chosen, for who reads the table. */
export const noteOf = ({ damping, retraining }: Pick<RecipeInput, 'damping' | 'retraining'>): string =>
  `damping ${damping}, learning rate ${retraining.learningRate}, distillation ${retraining.distillation ?? 0}`;
