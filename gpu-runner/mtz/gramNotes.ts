import type { Recipe } from '../../shared/recipe.ts';
import { defaultGramBytes, denseBytes, sized } from './gramForm.ts';
import { weightedSteps, type Network, type WeightedStep } from './network.ts';
import { producersOf } from './pairing.ts';
import type { Plan } from './plan.ts';
import type { Source } from './source.ts';
import { formOf, sizeOf } from './stepGrams.ts';
import { isFormed } from './survey.ts';
import { inputGroup } from './topology.ts';

/**
 * What to say of layers whose Gram matrices do not fit as they are: which they are, and by how many samples they are
 * measured. Nothing where all fit.
 *
 * @param steps that are measured
 */
export function gramNotes(
  network: Network,
  steps: readonly WeightedStep[],
  sources: readonly Pick<Source, 'train'>[],
  { gramSamples }: Pick<Recipe, 'gramSamples'>,
  gramBytes: number = defaultGramBytes,
): string[] {
  const asked = Math.min(gramSamples, Math.max(...sources.map(({ train }) => train.size)));
  const counted = (count: number): string => count.toLocaleString('en-US');
  return steps.flatMap((step) => {
    if (step.kind === 'channelwise') return [];
    const form = formOf(network, step, asked, gramBytes);
    if (form.kind === 'dense') return [];
    const size = sizeOf(network, step);
    const { name, inputs } = size;
    // What fits may still be more than is ever made.
    const why = denseBytes(size) > gramBytes ? `would not fit into ${sized(gramBytes)}` : 'are too many';
    const entries = `${counted(inputs)} x ${counted(inputs)} entries`;
    return form.samples < asked
      ? `${name} is measured by ${counted(form.samples)} of ${counted(asked)} samples: more would not fit into ${sized(gramBytes)}; its Gram matrices are factored, made of the samples in place of ${entries}`
      : `${name} is measured by all ${counted(asked)} samples, its Gram matrices factored, made of the samples: ${entries} ${why}`;
  });
}

/** The steps that a zip measures: what it shares, and what it fits to what was shared before it. */
export function measuredSteps(
  network: Network,
  plan: Plan,
  { budget, refit }: Pick<Recipe, 'budget' | 'refit'>,
): WeightedStep[] {
  const steps = weightedSteps(network);
  if (budget) return steps;
  const shared = new Set(
    [...plan].flatMap(([group, count]) => (count > 0 ? producersOf(network, group) : [])),
  );
  const isShared = network.topology.groups.some(
    (_, group) => group !== inputGroup && isFormed(network, group),
  );
  const first = isShared ? -1 : steps.findIndex((step) => shared.has(step));
  const isFitted = (index: number): boolean => refit && !network.sparse && shared.size > 0 && index > first;
  return steps.filter((step, index) => shared.has(step) || isFitted(index));
}
