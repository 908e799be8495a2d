import type { Recipe } from '../../shared/recipe.ts';
import type { Graph } from '../onnx/graph.ts';
import { adaptInput } from './adaptInput.ts';
import { align, type Aligned } from './align.ts';
import { foldInputNormalisation } from './foldInputNormalisation.ts';
import { inputScaleOf, rescaleInput, type InputScale } from './inputScale.ts';
import { joinNets, type Network } from './network.ts';
import { onCommonInput } from './onCommonInput.ts';
import { isWhole, leftOut, placeNet } from './placeNet.ts';
import { readNet } from './readNet.ts';
import { throughScale } from './throughScale.ts';
import type { TaskNet, Weights } from './topology.ts';
import { prunedNotes } from './zeros.ts';

export interface NamedGraph {
  readonly task: string;
  readonly graph: Graph;
  /** What it reads in place of the samples, where these are made for other networks. */
  readonly inputScale?: InputScale | undefined;
}

/** What of a recipe says how networks are read. */
export type Reading = Pick<Recipe, 'batchNorm' | 'inputChannels'>;

export interface Joined {
  readonly network: Network;
  readonly nets: readonly TaskNet[];
  /** The networks alone as they were, but that all read one input: with nodes before them where theirs was another. */
  readonly originals: readonly Graph[];
  /** What could not be zipped and why, and what zipping does not keep. */
  readonly notes: readonly string[];
}

/** Networks of which some were added to others that all normalise their input alike, in one step of its own. */
export interface Through {
  /** What that step does, where there is one; otherwise normalisations that differ are folded. @param first of the networks */
  readonly scaleOf: (first: TaskNet) => Weights | undefined;
  /** One of them that reads its input through the step whatever it does itself: those that do as the first need not. */
  readonly added?: string;
}

/**
 * Networks read, aligned and put side by side.
 *
 * @param through how those that were added read their input as the others do
 * @param partly those that were added to the others: what these have in common stays, and they share of it what they have
 * @throws {Error} when there are fewer than two, or they have nothing in common.
 */
export function joinSources(
  sources: readonly NamedGraph[],
  recipe: Reading & Pick<Recipe, 'wiring' | 'sparse'>,
  through?: Through,
  partly: ReadonlySet<string> = new Set(),
): Joined {
  if (sources.length < 2) throw new Error(`Cannot zip ${sources.length} network: at least 2 are needed`);
  const { nets, topology, notes } = alignSources(sources, recipe, partly, through);
  const dims = nets[0]?.topology.input.dims ?? [];
  const originals = sources.map(({ task, graph, inputScale }) =>
    onCommonInput(graph, { dims, how: recipe.inputChannels?.[task], inputScale }),
  );
  return {
    network: joinNets(nets, recipe.wiring, recipe.sparse, topology),
    ...{ nets, originals },
    notes: [...notes, ...prunedNotes(sources, recipe)],
  };
}

/** Networks read, given one input and aligned. */
function alignSources(
  sources: readonly NamedGraph[],
  { batchNorm, inputChannels }: Reading,
  partly: ReadonlySet<string>,
  through?: Through,
): Placed {
  const unknown = Object.keys(inputChannels ?? {}).find((task) =>
    sources.every((each) => each.task !== task),
  );
  if (unknown !== undefined) throw new Error(`Cannot adapt the input of "${unknown}": it is not a task`);
  // What is scaled one a channel is scaled where there are three: before RGB is made grey, after grey is read from RGB.
  const scalesAfter = (task: string): boolean => ['mean', 'luma'].includes(inputChannels?.[task] ?? '');
  const read = sources.map(({ task, graph, inputScale }) => {
    const net = readNet(graph, task, { batchNorm });
    return inputScale && !scalesAfter(task) ? rescaleInput(net, inputScale) : net;
  });
  const scale = read[0] && through?.scaleOf(read[0]);
  const folded = scale ? read : foldUnlessAlike(read);
  const channels = channelsOfRest(folded, inputChannels ?? {});
  const scaled = folded.map((net, index) => {
    const how = inputChannels?.[net.task];
    const inputScale = sources[index]?.inputScale;
    const own = how === undefined ? net : adaptInput(net, channels, how);
    return inputScale && scalesAfter(net.task) ? rescaleInput(own, inputScale) : own;
  });
  const isThrough = (net: TaskNet): boolean =>
    net.task === through?.added || normalisation(net) !== (scaled[0] && normalisation(scaled[0]));
  const adapted = scale
    ? scaled.map((net) => (isThrough(net) ? throughScale(net, scale) : net))
    : foldUnlessAlike(scaled);
  const { nets, topology, notes } = alignWhole(adapted, partly);
  const own = adapted.flatMap((net) => net.notes.map((note) => `"${net.task}": ${note}`));
  return { nets, topology, notes: [...own, ...notes] };
}

/** Networks of one topology, of which some have not all. */
type Placed = Omit<Aligned, 'partings'> & Pick<TaskNet, 'topology'>;

/** Aligns those that are not `partly` there, and places the others in what these have in common. */
function alignWhole(given: readonly TaskNet[], partly: ReadonlySet<string>): Placed {
  const whole = given.filter(({ task }) => !partly.has(task));
  const aligned = align(whole);
  const [first] = aligned.nets;
  if (!first) throw new Error('Cannot zip: no network is given');
  const { topology } = first;
  const notes = new Set(aligned.notes);
  const nets = given.map((net) => {
    const known = aligned.nets.find(({ task }) => task === net.task);
    if (known) return known;
    const beside = align([...whole, net]);
    const own = beside.nets.at(-1);
    if (!own) throw new Error(`Cannot add "${net.task}": it was not read`);
    const placed = placeNet(own, topology);
    const told = isWhole(placed, topology)
      ? beside.notes
      : leftOut(placed, topology, align([...whole.slice(0, 1), net]).partings);
    for (const note of told) notes.add(note);
    return placed;
  });
  return { nets, topology, notes: [...notes] };
}

/** Channels that the networks read which are not adapted. */
function channelsOfRest(nets: readonly TaskNet[], adapted: Readonly<Record<string, unknown>>): number {
  const rest = nets.filter(({ task }) => adapted[task] === undefined);
  const channels = new Set(rest.map(({ topology }) => topology.input.dims[0] ?? 1));
  const [only, ...others] = channels;
  if (only === undefined) throw new Error('Cannot adapt the inputs of all networks: one must stay as it is');
  if (others.length > 0)
    throw new Error(
      `Cannot zip networks that read ${[...channels].join(' and ')} channels: say in the recipe's inputChannels how`,
    );
  return only;
}

const foldUnlessAlike = (nets: readonly TaskNet[]): readonly TaskNet[] =>
  normaliseAlike(nets) ? nets : nets.map((net) => foldInputNormalisation(net).net);

/** Whether all networks do the same to the input before their first layers, or none does anything. */
function normaliseAlike(nets: readonly TaskNet[]): boolean {
  return new Set(nets.map(normalisation)).size === 1;
}

/** What a network does to the input before its first layers; equal where networks do the same. */
function normalisation(net: TaskNet): string {
  const scale = inputScaleOf(net);
  const own = scale && net.weights.get(scale.name);
  return own ? [...own.weight.data, ...own.bias].join() : '';
}
