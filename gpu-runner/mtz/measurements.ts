import type { Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { Random } from '../engine/random.ts';
import { defaultGramBytes } from './gramForm.ts';
import { doesStep, type Network, type WeightedStep } from './network.ts';
import { formOf, gramBytesOf, measureStep, workingBytes, type StepGram } from './stepGrams.ts';
import type { Source } from './source.ts';

export interface MeasureContext {
  readonly sources: readonly Source[];
  readonly recipe: Pick<Recipe, 'damping' | 'gramSamples' | 'mergeWeights' | 'seed' | 'matching'>;
  readonly provider: Provider;
  /**
   * What Gram matrices may take at once, those of the layer at hand with all that is computed from them, and those that
   * are kept for later; default {@link defaultGramBytes}.
   */
  readonly gramBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples of a task that a step is measured with, of those that the recipe asks for: fewer where no more fit. */
export interface Taken {
  readonly samples: number;
  readonly of: number;
}

/** Measures what each task's samples look like to a step, through the network as it stands. */
export async function measureTasks(
  network: Network,
  step: WeightedStep,
  context: MeasureContext,
  onTask?: (task: string, taken: Taken) => void,
): Promise<StepGram[]> {
  const { sources, recipe, provider, gramBytes, signal } = context;
  const { damping } = recipe;
  const grams: StepGram[] = [];
  for (const [task, source] of sources.entries()) {
    if (!doesStep(network, step, task)) {
      grams.push({ kind: 'none' });
      continue;
    }
    const samples = sampleOf(network, step, task, source, recipe);
    onTask?.(source.task, takenOf(network, step, samples.length, gramBytes));
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

/** Of so many samples that are asked for. */
function takenOf(network: Network, step: WeightedStep, of: number, gramBytes?: number): Taken {
  const form = step.kind === 'layer' && formOf(network, step, of, gramBytes);
  return { samples: form && form.kind === 'factored' ? form.samples : of, of };
}

/**
 * What steps look like through a network that stays as it is: kept as long as there is room for them beside the step at
 * hand, measured again if need be.
 */
export class Measurements {
  private readonly network: Network;
  private readonly context: MeasureContext;
  private readonly onTask: ((task: string, taken: Taken) => void) | undefined;
  /** By step; those measured first come first. */
  private readonly kept = new Map<string, readonly StepGram[]>();

  constructor(network: Network, context: MeasureContext, onTask?: (task: string, taken: Taken) => void) {
    this.network = network;
    this.context = context;
    this.onTask = onTask;
  }

  /** By task. Whoever asks for another step's lets go of these first. */
  async of(step: WeightedStep): Promise<readonly StepGram[]> {
    this.makeRoom(step);
    const known = this.kept.get(step.name);
    if (known) return known;
    const grams = await measureTasks(this.network, step, this.context, this.onTask);
    this.kept.set(step.name, grams);
    return grams;
  }

  /** Lets go of what is not asked for again. */
  release(step: WeightedStep): void {
    this.kept.delete(step.name);
  }

  /** Lets go of other steps', those measured first, until a step can be shared beside those that stay. */
  private makeRoom(step: WeightedStep): void {
    const { sources, recipe, gramBytes = defaultGramBytes } = this.context;
    const samples = Math.min(recipe.gramSamples, Math.max(...sources.map(({ train }) => train.size)));
    const others = [...this.kept].filter(([name]) => name !== step.name);
    let total = others.reduce(
      (sum, [, grams]) => sum + bytesOf(grams),
      workingBytes(this.network, step, samples, gramBytes),
    );
    for (const [name, grams] of others) {
      if (total <= gramBytes) break;
      this.kept.delete(name);
      total -= bytesOf(grams);
    }
  }
}

const bytesOf = (grams: readonly StepGram[]): number =>
  grams.reduce((sum, gram) => sum + gramBytesOf(gram), 0);
