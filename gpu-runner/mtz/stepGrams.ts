import type { Matrix } from '../linalg/matrix.ts';
import { dampChannels, measureChannelGrams, type ChannelGrams } from './channelGrams.ts';
import type { Dataset } from '../engine/dataset.ts';
import { measureGram, type GramOptions } from './gram.ts';
import type { Network, WeightedStep } from './network.ts';
import { damp } from './taskGram.ts';

/** A task's second-order loss at a step, in the order of its own network; damped and weighed. */
export type StepGram =
  | { readonly kind: 'layer'; readonly gram: Matrix }
  | { readonly kind: 'channelwise'; readonly grams: ChannelGrams };

export interface MeasureOptions extends GramOptions {
  /** Relative damping, as a fraction of the mean diagonal. */
  readonly damping: number;
  /** How much the task's loss counts. */
  readonly weight: number;
}

/** Measures what one task's samples look like to a step, through the network as it stands. */
export async function measureStep(
  network: Network,
  step: WeightedStep,
  task: number,
  data: Dataset,
  options: MeasureOptions,
): Promise<StepGram> {
  const { damping, weight } = options;
  if (step.kind === 'layer') {
    const gram = await measureGram(network, step, task, data, options);
    return { kind: 'layer', gram: damp(gram, damping, weight) };
  }
  const grams = await measureChannelGrams(network, step, task, data, options);
  return { kind: 'channelwise', grams: dampChannels(grams, damping, weight) };
}
