import type { Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { Random } from '../engine/random.ts';
import { defaultGramBytes } from './gramForm.ts';
import type { Network, WeightedStep } from './network.ts';
import { gramBytesOf, measureStep, type StepGram } from './stepGrams.ts';
import type { Source } from './source.ts';

export interface MeasureContext {
  readonly sources: readonly Source[];
  readonly recipe: Pick<Recipe, 'damping' | 'gramSamples' | 'mergeWeights' | 'seed' | 'matching'>;
  readonly provider: Provider;
  /**
   * What the Gram matrices of a layer, all tasks together, may take at once, and as much again those that are kept for
   * later; default {@link defaultGramBytes}.
   */
  readonly gramBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Measures what each task's samples look like to a step, through the network as it stands. */
export async function measureTasks(
  network: Network,
  step: WeightedStep,
  context: MeasureContext,
  onTask?: (task: string) => void,
): Promise<StepGram[]> {
  const { sources, recipe, provider, gramBytes, signal } = context;
  const { damping } = recipe;
  const grams: StepGram[] = [];
  for (const [task, source] of sources.entries()) {
    onTask?.(source.task);
    const samples = sampleOf(network, step, task, source, recipe);
    const weight = weightOf(network, source.task, recipe);
    const options = { samples, provider, signal, damping, weight, gramBytes };
    grams.push(await measureStep(network, step, task, source.train, options));
  }
  return grams;
}

/** How much a task's loss counts: of the mean over tasks, as often as the recipe says. */
export const weightOf = (
  { tasks }: Pick<Network, 'tasks'>,
  task: string,
  { mergeWeights }: Pick<Recipe, 'mergeWeights'>,
): number => (mergeWeights?.[task] ?? 1) / tasks.length;

/** Which of a task's samples a step is measured with. */
export function sampleOf(
  network: Network,
  step: WeightedStep,
  task: number,
  { train }: Source,
  { gramSamples, seed }: Pick<Recipe, 'gramSamples' | 'seed'>,
): Uint32Array {
  const index = network.topology.steps.indexOf(step);
  return new Random(seed, index, task).permutation(train.size).subarray(0, gramSamples);
}

/** What steps look like through a network that stays as it is: kept as long as they fit, measured again if need be. */
export class Measurements {
  private readonly network: Network;
  private readonly context: MeasureContext;
  /** By step; those measured first come first. */
  private readonly kept = new Map<string, readonly StepGram[]>();

  constructor(network: Network, context: MeasureContext) {
    this.network = network;
    this.context = context;
  }

  /** By task. */
  async of(step: WeightedStep): Promise<readonly StepGram[]> {
    const known = this.kept.get(step.name);
    if (known) return known;
    const grams = await measureTasks(this.network, step, this.context);
    const { gramBytes = defaultGramBytes } = this.context;
    const size = bytesOf(grams);
    let total = [...this.kept.values()].reduce((sum, each) => sum + bytesOf(each), size);
    for (const [name, each] of this.kept) {
      if (total <= gramBytes) break;
      this.kept.delete(name);
      total -= bytesOf(each);
    }
    this.kept.set(step.name, grams);
    return grams;
  }

  /** Lets go of what is not asked for again. */
  release(step: WeightedStep): void {
    this.kept.delete(step.name);
  }
}

const bytesOf = (grams: readonly StepGram[]): number =>
  grams.reduce((sum, gram) => sum + gramBytesOf(gram), 0);
