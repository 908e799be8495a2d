import { elementCount } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { dampChannels, measureChannelGrams, type ChannelGrams } from './channelGrams.ts';
import { isFactored, type Gram } from './factoredGram.ts';
import { inputsOf, measureGram } from './gram.ts';
import { defaultGramBytes, gramForm } from './gramForm.ts';
import { measureFactored } from './measureFactored.ts';
import type { Network, WeightedStep } from './network.ts';
import type { GramOptions } from './overSamples.ts';
import { damp } from './taskGram.ts';
import { valueAt } from './topology.ts';

/** A task's second-order loss at a step, in the order of its own network; damped and weighed. */
export type StepGram =
  | { readonly kind: 'layer'; readonly gram: Gram }
  | { readonly kind: 'channelwise'; readonly grams: ChannelGrams };

export interface MeasureOptions extends GramOptions {
  /** Relative damping, as a fraction of the mean diagonal. */
  readonly damping: number;
  /** How much the task's loss counts. */
  readonly weight: number;
  /** What the Gram matrices of a layer may take at once, all tasks together; default {@link defaultGramBytes}. */
  readonly gramBytes?: number | undefined;
}

/**
 * Measures what one task's samples look like to a step, through the network as it stands. Where the Gram matrices of all
 * tasks would not fit, fewer samples may stand for them: the first of those given.
 *
 * @throws {Error} when there are no samples, or nothing fits.
 */
export async function measureStep(
  network: Network,
  step: WeightedStep,
  task: number,
  data: Dataset,
  options: MeasureOptions,
): Promise<StepGram> {
  const { damping, weight, samples, gramBytes = defaultGramBytes } = options;
  if (step.kind === 'channelwise') {
    const grams = await measureChannelGrams(network, step, task, data, options);
    return { kind: 'channelwise', grams: dampChannels(grams, damping, weight) };
  }
  const size = {
    name: step.name,
    inputs: 1 + Math.max(...network.tasks.map((_, each) => inputsOf(network, step, each))),
    positions: elementCount(valueAt(network.topology, step.output).size),
    tasks: network.tasks.length,
  };
  const form = gramForm(size, samples.length, gramBytes);
  if (form.kind === 'factored') {
    const fewer = { ...options, samples: samples.subarray(0, form.samples) };
    return { kind: 'layer', gram: await measureFactored(network, step, task, data, fewer) };
  }
  return {
    kind: 'layer',
    gram: damp(await measureGram(network, step, task, data, options), damping, weight),
  };
}

/** What a step's measurements take in memory. */
export function gramBytesOf(gram: StepGram): number {
  if (gram.kind === 'channelwise') return gram.grams.data.byteLength;
  if (!isFactored(gram.gram)) return gram.gram.data.byteLength;
  return gram.gram.factors.reduce((sum, { data }) => sum + data.byteLength, 0);
}
