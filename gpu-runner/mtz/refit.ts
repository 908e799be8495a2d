import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { matrix, row, transpose, type Matrix } from '../linalg/matrix.ts';
import { smallSolve } from '../linalg/smallSolve.ts';
import type { ChannelGrams } from './channelGrams.ts';
import { backThrough, isFactored, samplesSystem, type FactoredGram } from './factoredGram.ts';
import { sampleOf, weightOf, type MeasureContext } from './measurements.ts';
import { ownChannels } from './mergeChannels.ts';
import { Missing } from './missing.ts';
import {
  blockOf,
  columnsOf,
  inputsFor,
  keyOf,
  rounded,
  roundedValues,
  rowsOf,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { solving } from './solving.ts';
import type { StepGram } from './stepGrams.ts';
import { ownColumns } from './taskGram.ts';
import { contains, single } from './taskSet.ts';
import { inputOf, valueAt, type Channelwise, type Layer, type Topology } from './topology.ts';

/**
 * Every layer that reads a step's output, through whatever has no weights in between or reads every channel by itself, in
 * the order in which they are computed.
 */
export function layersReading({ steps }: Topology, output: number): Layer[] {
  const reached = new Set([output]);
  const found: Layer[] = [];
  for (const step of steps) {
    if (!inputOf(step).some((value) => reached.has(value))) continue;
    if (step.kind === 'layer') found.push(step);
    else reached.add(step.output);
  }
  return found;
}

/** Whether some weights of a step are one task's own: those that can be fitted. */
export const isRefittable = (network: Network, step: WeightedStep): boolean =>
  network.tasks.some((_, task) => hasOwn(rowsOf(network, step), task));

const hasOwn = (rows: readonly Rows[], task: number): boolean =>
  rows.some(({ parts }) => parts.some(({ use }) => use === single(task)));

/**
 * Fits a step's weights that are still every task's own to what the untouched network puts out there, on what the step
 * reads now: w + H^-1 E[x (y - w x)'], with x what it reads, y what it is to put out and H the damped Gram matrix of x.
 * What merging changed before the step is made up for as well as the step can; where its output is the last term of a
 * sum, what the other terms lack as well.
 *
 * PLeaS (Nasery et al. 2024) fits merged layers to their sources' outputs by least squares; here every task's weights are
 * fitted before they are merged, which comes to the same and leaves the pairing exact. Of a batch normalisation that every
 * task keeps it is what REPAIR (Jordan et al. 2023) does with statistics.
 *
 * @param untouched the networks before anything was shared, of the same topology and tasks
 * @param grams by task, measured in the network as it stands
 * @returns the network; parts that several tasks use are left as they are
 */
export async function refitStep(
  network: Network,
  untouched: Network,
  step: WeightedStep,
  grams: readonly StepGram[],
  context: MeasureContext,
): Promise<Network> {
  let rows = rowsOf(network, step);
  for (const [task, source] of context.sources.entries()) {
    const measured = grams[task];
    if (!measured || measured.kind === 'none' || !hasOwn(rows, task)) continue;
    const { provider, signal, recipe } = context;
    const over = { samples: sampleOf(network, step, task, source, recipe), provider, signal };
    const missing = new Missing(network, untouched, step, task, source.train, over);
    const weight = weightOf(network, source.task, context.recipe);
    const fit = async (): Promise<Matrix> =>
      measured.kind === 'channelwise'
        ? fitChannels(measured.grams, weight, await missing.channelMoments())
        : isFactored(measured.gram)
          ? fitSamples(measured.gram, weight, missing)
          : fitWhole(measured.gram, weight, missing);
    const change = await solving(network, step, single(task), grams, fit);
    rows = rows.map((each) => changed(network, step, each, task, change));
  }
  return { ...network, rows: new Map(network.rows).set(step.name, rows) };
}

/** @returns [channels, inputs + 1], as all of these */
async function fitWhole(gram: Matrix, weight: number, missing: Missing): Promise<Matrix> {
  const moment = await missing.moment();
  for (let k = 0; k < moment.data.length; k += 1) moment.data[k] = weight * (moment.data[k] ?? 0);
  return transpose(await choleskySolve(await cholesky(gram), moment));
}

/** Channel by channel. */
function fitChannels({ size, data }: ChannelGrams, weight: number, moments: Matrix): Matrix {
  const change = matrix(moments.rows, size);
  for (let channel = 0; channel < moments.rows; channel += 1) {
    const gram = data.subarray(channel * size * size, (channel + 1) * size * size);
    const moment = row(moments, channel).map((value) => weight * value);
    row(change, channel).set(smallSolve(gram, moment));
  }
  return change;
}

/** The same where few samples stand for the Gram matrix X'X + damping: X' (X X' + damping)^-1 times what they lack. */
async function fitSamples(gram: FactoredGram, weight: number, missing: Missing): Promise<Matrix> {
  const [factor] = gram.factors;
  if (!factor || factor.rows === 0) throw new Error('Cannot fit a layer: there are no samples');
  const lacking = await missing.rows(factor.rows);
  // As the factor's rows are: each by the root of its share.
  const root = Math.sqrt(weight / lacking.rows);
  for (let k = 0; k < lacking.data.length; k += 1) lacking.data[k] = root * (lacking.data[k] ?? 0);
  const system = await cholesky(await samplesSystem(gram.factors, gram.damping));
  return backThrough(gram.factors, await choleskySolve(system, lacking));
}

/** A block's rows, the parts that are one task's own changed by its rows of `change` [channels, inputs + 1]. */
function changed(network: Network, step: WeightedStep, rows: Rows, task: number, change: Matrix): Rows {
  if (!contains(rows.tasks, single(task))) return rows;
  const placed =
    step.kind === 'layer' ? inLayer(network, step, rows, task) : inChannels(network, step, rows, task);
  const parts = rows.parts.map((part): Part => {
    if (part.use !== single(task)) return part;
    const places = placed.placesOf(part);
    const weight = matrix(part.weight.rows, part.weight.cols, part.weight.data.slice());
    const bias = part.bias?.slice() ?? null;
    for (const [at, channel] of placed.channels.entries()) {
      const [to, by] = [row(weight, at), row(change, channel)];
      for (let k = 0; k < places.length; k += 1) to[k] = (to[k] ?? 0) + (by[places[k] ?? 0] ?? 0);
      if (bias) bias[at] = (bias[at] ?? 0) + (by.at(-1) ?? 0);
    }
    return { ...part, weight: rounded(weight), bias: bias && roundedValues(bias) };
  });
  return { ...rows, parts };
}

/** Where a block's channels and inputs lie in a task's own network. */
interface Placed {
  readonly channels: readonly number[];
  /** For each column of a part. */
  placesOf(part: Part): readonly number[];
}

function inLayer(network: Network, step: Layer, { tasks }: Rows, task: number): Placed {
  const columns = columnsOf(inputsFor(network, step, single(task)));
  const places = ownColumns(network, step, task);
  const group = valueAt(network.topology, step.output).segments[0]?.group ?? -1;
  const name = network.tasks[task] ?? '';
  return {
    channels: (blockOf(network, group, tasks)?.sources ?? []).map((source) => source[name] ?? 0),
    placesOf: ({ inputs }) =>
      inputs.flatMap((block) => columns.get(keyOf(block)) ?? []).map((at) => places[at] ?? 0),
  };
}

const inChannels = (network: Network, step: Channelwise, { segment, tasks }: Rows, task: number): Placed => ({
  channels: ownChannels(network, step, segment, tasks, task),
  placesOf: ({ weight }) => Array.from({ length: weight.cols }, (_, k) => k),
});
