import type { Recipe } from '../../shared/recipe.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import type { Graph } from '../onnx/graph.ts';
import { stoppable } from '../linalg/breathe.ts';
import { budgetNote } from './budgetNote.ts';
import { channelsFirst, firstOf } from './channelsFirst.ts';
import { floorsOf } from './floors.ts';
import { gramNotes, measuredSteps } from './gramNotes.ts';
import { joinSources, type Joined } from './joinSources.ts';
import { widthOf, type Network } from './network.ts';
import { makePlan } from './makePlan.ts';
import type { PlanReport } from './planReport.ts';
import { readsChannelsLast } from './read/channelsLast.ts';
import { isScored } from './retrain.ts';
import type { Source } from './source.ts';
import { valueAt } from './topology.ts';
import { withChannels } from './withChannels.ts';
import { zipIdentity } from './zipIdentity.ts';
import { decodeZipState, type ZipState } from './zipCheckpoint.ts';
import type { ZipCheckpoint, ZipOptions } from './zipOptions.ts';
import { Zipper, type ZipRun } from './zipper.ts';

export type { Source } from './source.ts';
export type { ZipOptions, ZipProgress } from './zipOptions.ts';

export interface Zipped extends Omit<ZipRun, 'heldPlan'> {
  readonly plan: PlanReport;
  /**
   * What could not be zipped and why, what was measured otherwise than asked, and whether floors keep more than a budget
   * asked for.
   */
  readonly notes: readonly string[];
}

/**
 * Zips networks of different tasks into one (Multi-Task Zipping, He et al. 2018): layer by layer, from the input on,
 * measure what each task feeds the layer in the network as it now stands, share the cheapest pairs of channels in
 * closed form, and retrain a little. Channels that are added together are paired once, by the sum of what sharing them
 * costs in all layers that put them out. More than two networks are zipped in one after the other in each layer, which
 * without retraining is the joint optimum. The last layer of every network stays its own.
 *
 * Same sources, recipe and machine: same result, also when it was stopped in between and went on from a checkpoint.
 *
 * @throws {Error} when the networks do not fit each other, their data or the recipe; before anything is computed.
 */
export async function zip(sources: readonly Source[], recipe: Recipe, options: ZipOptions): Promise<Zipped> {
  return zipJoined(sources, joinSources(sources, recipe), recipe, options);
}

/** Zips networks that were put side by side, whatever of them is shared already. */
export async function zipJoined(
  given: readonly Source[],
  { network, originals, notes }: Omit<Joined, 'nets'>,
  recipe: Recipe,
  options: ZipOptions,
): Promise<Zipped> {
  const sources = sourcesOf(given, { network, originals });
  checkRecipe(sources, recipe);
  const floors = await floorsOf(network, sources, recipe.floors, options);
  const { checkpoint } = options;
  const identity = checkpoint ? await zipIdentity(network, sources, recipe, options) : '';
  const from = await stateFrom(checkpoint?.from, identity, network);
  return stoppable(options.signal, async () => {
    const plan = await makePlan(network, sources, recipe, options);
    options.onPlan?.(plan, network);
    const wanted = { plan: plan.plan, floors };
    const zipper = new Zipper(network, wanted, sources, recipe, options, identity, from);
    const { heldPlan, ...zipped } = await zipper.run();
    const steps = measuredSteps(network, plan.plan, recipe);
    const measured = gramNotes(network, steps, sources, recipe, options.gramBytes);
    const note = budgetNote(network, recipe, plan, heldPlan);
    return { ...zipped, plan, notes: [...notes, ...measured, ...note] };
  });
}

/** Where a zip goes on; undefined where it begins. @throws {CheckpointError} as `decodeZipState` */
async function stateFrom(
  from: ZipCheckpoint['from'],
  identity: string,
  network: Network,
): Promise<ZipState | undefined> {
  const pieces = typeof from === 'function' ? await from() : from;
  return pieces && decodeZipState(pieces, identity, network);
}

/**
 * The networks as they were and their samples, all for the one input of networks that were put side by side.
 *
 * @throws {Error} naming the task, when its samples do not fit its network.
 */
export function sourcesOf(
  given: readonly Source[],
  { network, originals }: Pick<Joined, 'network' | 'originals'>,
): Source[] {
  const sources = given.map((source, index) => onOneInput(source, originals[index] ?? source.graph, network));
  const { dims } = network.topology.input;
  const { output } = network.topology;
  const size = output === null ? [] : valueAt(network.topology, output).size;
  if (size.length > 0)
    throw new Error(
      `Cannot zip: the networks answer with maps of ${size.join('x')}, not with one number a class`,
    );
  for (const [position, { task, graph, train, validation }] of sources.entries()) {
    const classes = classesOf(network, position) ?? graph.outputs[0]?.dims.at(-1);
    for (const data of [train, ...(validation ? [validation] : [])]) {
      const problem =
        data.sampleDims.join() !== dims.join()
          ? `its samples are [${data.sampleDims.join()}], the networks read [${dims.join()}]${layoutHint(data, dims)}`
          : typeof classes === 'number' && data.classes !== classes
            ? `its samples have ${data.classes} classes, its network ${classes}`
            : data.size === 0
              ? 'it has no samples'
              : undefined;
      if (problem !== undefined) throw new Error(`Cannot zip "${task}": ${problem}`);
    }
  }
  return sources;
}

/** @throws {Error} when the recipe asks for what the data do not have, or names a task that is not there. */
export function checkRecipe(sources: readonly Source[], recipe: Recipe): void {
  const { retraining, floors, mergeWeights } = recipe;
  const { earlyStopping } = retraining;
  for (const { task, train, validation } of sources) {
    const batch = retraining.batchSizes?.[task] ?? retraining.batchSize;
    const trains = retraining.stepsPerLayer + retraining.finalSteps > 0;
    if (trains && train.size < batch)
      throw new Error(`Cannot zip "${task}": ${train.size} samples do not fill a batch of ${batch}`);
    if (trains && retraining.distillation < 1 && !isLabelled(train))
      throw new Error(
        `Cannot retrain "${task}" with labels: its data have none; give labels or set distillation to 1`,
      );
    if (floors?.accuracy?.[task] !== undefined && !isLabelled(validation ?? train))
      throw new Error(
        `Cannot keep "${task}" at an accuracy of ${floors.accuracy[task]}: its data have no labels to measure it by`,
      );
    const stops = earlyStopping !== undefined && isScored(train, earlyStopping);
    const needs = floors && isLabelled(train) ? 'an accuracy floor' : stops ? 'early stopping' : undefined;
    if (!validation && needs !== undefined)
      throw new Error(`Cannot zip "${task}": ${needs} needs validation samples, and it has none`);
  }
  if (earlyStopping && !sources.some(({ validation }) => validation && isScored(validation, earlyStopping)))
    throw new Error(
      'Cannot stop retraining early by accuracy: the held-out data of no task have labels; take the metric "loss"',
    );
  const named = [
    ...Object.keys(mergeWeights ?? {}),
    ...Object.keys(retraining.batchSizes ?? {}),
    ...Object.keys(retraining.lossWeights ?? {}),
    ...Object.keys(retraining.augmentation ?? {}),
    ...Object.keys(floors?.accuracy ?? {}),
  ];
  const unknown = named.find((name) => !sources.some(({ task }) => task === name));
  if (unknown !== undefined)
    throw new Error(`Cannot follow the recipe: it names "${unknown}", which is not a task`);
}

/** What to do about samples that have the right dims in another order. */
const layoutHint = ({ sampleDims }: Dataset, dims: readonly number[]): string =>
  firstOf(sampleDims).join() === dims.join()
    ? ': their channels are last; say so where the data are described ("axes": "NHWC" of an .npz), or store them first'
    : '';

/** A source whose network and samples have the channels that the zipped network reads, first. */
function onOneInput(source: Source, graph: Graph, network: Network): Source {
  if (graph === source.graph) return source;
  const channels = network.topology.input.dims[0] ?? 1;
  const { task, train, validation } = source;
  const isLast = readsChannelsLast(source.graph);
  const own = source.graph.inputs[0]?.dims.slice(1) ?? [];
  const adapted = (data: Dataset): Dataset => {
    try {
      const isOwn = isLast && data.sampleDims.join() === own.join();
      if (isOwn && new Set(own).size === 1 && own[0] !== 1)
        throw new Error(`of samples [${own.join()}] nobody can tell whether the channels are first or last`);
      return withChannels(isOwn ? channelsFirst(data) : data, channels);
    } catch (cause) {
      throw new Error(`Cannot zip "${task}": ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  };
  return { task, graph, train: adapted(train), ...(validation && { validation: adapted(validation) }) };
}

/** The numbers that a task answers with, where its network's last layer is known. */
function classesOf(network: Network, task: number): number | undefined {
  if (network.tails[task]) return undefined;
  const { output } = network.topology;
  const group = output === null ? undefined : valueAt(network.topology, output).segments[0]?.group;
  return group === undefined ? undefined : widthOf(network, group, task);
}
