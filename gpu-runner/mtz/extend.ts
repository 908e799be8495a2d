import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { addNet } from './addNet.ts';
import { inputScaleOf } from './inputScale.ts';
import { joinSources, type Joined } from './joinSources.ts';
import { rowsOf, type Network } from './network.ts';
import { restoreNetwork } from './restore.ts';
import type { Source } from './source.ts';
import type { TaskNet, Weights } from './topology.ts';
import { zipJoined, type Zipped } from './zip.ts';
import type { ZipOptions } from './zipOptions.ts';

/** What a bundle holds of a zipped network. */
export interface ZippedBefore {
  /** The networks it was zipped from, in the order of its tasks, with the data to retrain them on. */
  readonly sources: readonly Source[];
  readonly recipe: Recipe;
  readonly sharing: readonly SharingRecord[];
  /** Initializers of its graphs, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** The zipped network again, from the record of what was shared. @throws {Error} when they do not fit each other. */
export function reopen({ sources, recipe, sharing, weights }: ZippedBefore): Joined {
  const scaleOf = (first: TaskNet): Weights | undefined => keptScale(first, sources, weights);
  const joined = joinSources(sources, recipe, { scaleOf }, partlyThere(sharing, sources));
  try {
    return { ...joined, network: restoreNetwork(joined.network, sharing, weights) };
  } catch (cause) {
    throw new Error(
      `Cannot extend: the bundle's files and its record do not make its network again, as where a task was taken out that shared more with one of the others than with the rest (${cause instanceof Error ? cause.message : String(cause)}); zip the networks anew`,
      { cause },
    );
  }
}

/**
 * What the networks do to the input in one step, where the bundle has kept that: networks that were normalised alike were
 * zipped first, and others added, which read through it.
 */
function keptScale(
  first: TaskNet,
  sources: readonly Source[],
  weights: ZippedBefore['weights'],
): Weights | undefined {
  const step = inputScaleOf(first);
  const stem = step && `${step.name}.${sources.map(({ task }) => task).join('+')}.`;
  const isKept = stem !== null && [...weights.keys()].some((name) => name.startsWith(stem));
  return isKept ? first.weights.get(step?.name ?? '') : undefined;
}

/** The tasks that were added with only some of the steps that the others have in common. */
const partlyThere = (sharing: readonly SharingRecord[], sources: readonly Source[]): Set<string> =>
  new Set(
    sources.flatMap(({ task }) => (sharing.some(({ widths }) => widths[task] === undefined) ? [task] : [])),
  );

/**
 * Adds a task to a zipped network: its channels are paired with those that the other tasks share, layer by layer, and all
 * tasks are retrained a little. What the others share among themselves stays as it is. What the network has in common with
 * them only up to some step it shares up to there: the rest is its head, and the notes say which layers and why.
 *
 * @throws {Error} when the added network has no layer in common with the zipped ones, the recipe sets a budget or reads
 * networks otherwise than the bundle's, or as `zip` does.
 */
export async function extend(
  before: ZippedBefore,
  added: Source,
  recipe: Recipe,
  options: ZipOptions,
): Promise<Zipped> {
  if (recipe.budget)
    throw new Error(
      `Cannot add "${added.task}" under a budget of ${recipe.budget.of}: losses are predicted for networks that share nothing yet; say with "share" how much of each layer`,
    );
  if (before.recipe.wiring !== recipe.wiring)
    throw new Error(
      `Cannot add "${added.task}": the bundle is ${before.recipe.wiring}, the recipe says ${recipe.wiring}`,
    );
  if (before.recipe.batchNorm !== recipe.batchNorm)
    throw new Error(
      `Cannot add "${added.task}": the bundle was zipped with batch norm ${before.recipe.batchNorm}, the recipe says ${recipe.batchNorm}`,
    );
  if (before.sources.some(({ task }) => task === added.task))
    throw new Error(`Cannot add "${added.task}": a task appears twice`);
  const { network, nets, notes } = reopen(before);
  const sources = [...before.sources, added];
  const scale = commonScale(network, nets);
  const partly = partlyThere(before.sharing, before.sources).add(added.task);
  const all = joinSources(sources, recipe, { scaleOf: () => scale, added: added.task }, partly);
  const net = all.nets[sources.length - 1];
  if (!net) throw new Error(`Cannot add "${added.task}": it was not read`);
  const joined = {
    ...all,
    network: addNet({ ...network, wiring: recipe.wiring, sparse: recipe.sparse }, net),
    // Those of the networks that were there are found again.
    notes: [...new Set([...notes, ...all.notes])],
  };
  return zipJoined(sources, joined, recipe, options);
}

/** What the networks all do to the input in one step, as it was trained since. */
function commonScale(network: Network, [first]: readonly TaskNet[]): Weights | undefined {
  const step = first && inputScaleOf(first);
  const [part, ...others] = step ? rowsOf(network, step).flatMap(({ parts }) => parts) : [];
  return part?.bias && others.length === 0 ? { weight: part.weight, bias: part.bias } : undefined;
}
