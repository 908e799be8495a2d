import { elementCount } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { dampChannels, measureChannelGrams, type ChannelGrams } from './channelGrams.ts';
import { isFactored, type Gram } from './factoredGram.ts';
import { inputsOf, measureGram } from './gram.ts';
import { bytesIn, defaultGramBytes, gramForm, type GramForm, type GramSize } from './gramForm.ts';
import { measureFactored } from './measureFactored.ts';
import type { Network, WeightedStep } from './network.ts';
import type { GramOptions } from './overSamples.ts';
import { damp } from './taskGram.ts';
import { valueAt, type Layer } from './topology.ts';

/** A task's second-order loss at a step, in the order of its own network; damped and weighed. */
export type StepGram = (
  | { readonly kind: 'layer'; readonly gram: Gram }
  | { readonly kind: 'channelwise'; readonly grams: ChannelGrams }
  /** Of a task that does not do the step. */
  | { readonly kind: 'none' }
) & {
  /** The relative damping that it has, to tell where that is too little. */
  readonly damping?: number;
};

export interface MeasureOptions extends GramOptions {
  /** Relative damping, as a fraction of the mean diagonal. */
  readonly damping: number;
  /** How much the task's loss counts. */
  readonly weight: number;
  /** What Gram matrices may take at once, all tasks together; default {@link defaultGramBytes}. */
  readonly gramBytes?: number | undefined;
}

/**
 * Measures what one task's samples look like to a step, through the network as it stands. Where the Gram matrices of all
 * tasks would not fit, fewer samples may stand for them: the first of those given.
 *
 * @throws {Error} when there are no samples, nothing fits, or what reaches the step is not finite.
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
    checkFinite(network, step, task, diagonals(grams));
    return { kind: 'channelwise', grams: dampChannels(grams, damping, weight), damping };
  }
  const form = formOf(network, step, samples.length, gramBytes);
  if (form.kind === 'factored') {
    const fewer = { ...options, samples: samples.subarray(0, form.samples) };
    const gram = await measureFactored(network, step, task, data, fewer);
    checkFinite(network, step, task, diagonalOf(gram));
    return { kind: 'layer', gram, damping };
  }
  const measured = await measureGram(network, step, task, data, options);
  checkFinite(network, step, task, diagonalOf(measured));
  return { kind: 'layer', gram: damp(measured, damping, weight), damping };
}

/** @param squares the mean square of each input, the constant one of the bias last or after each channel's */
function checkFinite({ tasks }: Network, { name }: WeightedStep, task: number, squares: Float64Array): void {
  const wrong = squares.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  if (wrong === 0) return;
  throw new Error(
    `Cannot zip ${name}: ${wrong} of the ${squares.length} inputs that "${tasks[task] ?? ''}" gives it are not finite: its samples are not, or retraining diverged (lower learningRate)`,
  );
}

function diagonalOf(gram: Gram): Float64Array {
  if (!isFactored(gram))
    return Float64Array.from({ length: gram.rows }, (_, k) => gram.data[k * (gram.cols + 1)] ?? 0);
  const squares = new Float64Array(gram.rows);
  for (const { cols, data } of gram.factors)
    for (let k = 0; k < data.length; k += 1)
      squares[k % cols] = (squares[k % cols] ?? 0) + (data[k] ?? 0) ** 2;
  return squares;
}

const diagonals = ({ size, data }: ChannelGrams): Float64Array =>
  data.filter((_, at) => (at % (size * size)) % (size + 1) === 0);

/**
 * How a layer of a network is measured.
 *
 * @param samples of each task that are asked for
 * @throws {Error} when nothing fits.
 */
export const formOf = (
  network: Network,
  step: Layer,
  samples: number,
  gramBytes: number = defaultGramBytes,
): GramForm => gramForm(sizeOf(network, step), samples, gramBytes);

/** Bytes of Gram matrices while a step is shared, those that are measured included. Of single channels they are few. */
export function workingBytes(
  network: Network,
  step: WeightedStep,
  samples: number,
  gramBytes: number = defaultGramBytes,
): number {
  if (step.kind === 'channelwise') return 0;
  return bytesIn(formOf(network, step, samples, gramBytes), sizeOf(network, step));
}

/** Of the widest task. */
export const sizeOf = (network: Network, step: Layer): GramSize => ({
  name: step.name,
  inputs: 1 + Math.max(...network.tasks.map((_, task) => inputsOf(network, step, task))),
  positions: elementCount(valueAt(network.topology, step.output).size),
  tasks: network.tasks.length,
});

/** What a step's measurements take in memory. */
export function gramBytesOf(gram: StepGram): number {
  if (gram.kind === 'none') return 0;
  if (gram.kind === 'channelwise') return gram.grams.data.byteLength;
  if (!isFactored(gram.gram)) return gram.gram.data.byteLength;
  return gram.gram.factors.reduce((sum, { data }) => sum + data.byteLength, 0);
}
