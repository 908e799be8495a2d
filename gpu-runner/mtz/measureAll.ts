import type { Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { Random } from '../engine/random.ts';
import { weightedSteps, type Network, type WeightedStep } from './network.ts';
import { measureStep, type StepGram } from './stepGrams.ts';
import { valueAt } from './topology.ts';
import type { Source } from './zip.ts';

export interface MeasureContext {
  readonly sources: readonly Source[];
  readonly recipe: Pick<Recipe, 'damping' | 'gramSamples' | 'seed' | 'matching'>;
  readonly provider: Provider;
  readonly weights?: Readonly<Record<string, number>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Measures what each task's samples look like to a step, through the network as it stands. */
export async function measureTasks(
  network: Network,
  step: WeightedStep,
  { sources, recipe, provider, weights, signal }: MeasureContext,
  onTask?: (task: string) => void,
): Promise<StepGram[]> {
  const { damping, gramSamples, seed } = recipe;
  const index = network.topology.steps.indexOf(step);
  const grams: StepGram[] = [];
  for (const [task, source] of sources.entries()) {
    onTask?.(source.task);
    const samples = new Random(seed, index, task).permutation(source.train.size).subarray(0, gramSamples);
    const weight = weights?.[source.task] ?? 1 / network.tasks.length;
    const options = { samples, provider, signal, damping, weight };
    grams.push(await measureStep(network, step, task, source.train, options));
  }
  return grams;
}

/** Measures all steps that put out groups of interest. */
export async function measureAll(
  network: Network,
  isOfInterest: (group: number) => boolean,
  context: MeasureContext,
): Promise<Map<string, readonly StepGram[]>> {
  const grams = new Map<string, readonly StepGram[]>();
  for (const step of weightedSteps(network)) {
    const { segments } = valueAt(network.topology, step.output);
    if (segments.some(({ group }) => isOfInterest(group)))
      grams.set(step.name, await measureTasks(network, step, context));
  }
  return grams;
}
