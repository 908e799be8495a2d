import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { addNet } from './addNet.ts';
import { describe } from './arrange.ts';
import { stepLabel } from './difference.ts';
import { inputScaleOf } from './inputScale.ts';
import { joinSources, type Joined } from './joinSources.ts';
import { rowsOf, type Network } from './network.ts';
import { restoreNetwork } from './restore.ts';
import type { Source } from './source.ts';
import { inputOf, type Step, type TaskNet, type Weights } from './topology.ts';
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
  const joined = joinSources(sources, recipe);
  return { ...joined, network: restoreNetwork(joined.network, sharing, weights) };
}

/**
 * Adds a task to a zipped network: its channels are paired with those that the other tasks share, layer by layer, and all
 * tasks are retrained a little. What the others share among themselves stays as it is.
 *
 * @throws {Error} when the added network does not have all of the zipped network's steps, the recipe sets a budget or reads
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
  const { network, nets, notes } = reopen(before);
  const sources = [...before.sources, added];
  const scale = commonScale(network, nets);
  const all = joinSources(sources, recipe, scale && { task: added.task, scale });
  checkAlike(network, all.network, added.task);
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

/** @throws {Error} when not all of the networks together do what the zipped ones do, step by step */
function checkAlike(zipped: Network, all: Network, task: string): void {
  const [wanted, found] = [zipped, all].map(({ topology }) => topology.steps);
  if (!wanted || !found) return;
  const isSame = (a: Step | undefined, b: Step | undefined): boolean =>
    a !== undefined &&
    b !== undefined &&
    describe(a) === describe(b) &&
    inputOf(a).join() === inputOf(b).join();
  const at = Array.from({ length: Math.max(wanted.length, found.length) }, (_, index) => index).find(
    (index) => !isSame(wanted[index], found[index]),
  );
  if (at === undefined) return;
  const step = wanted[at] ?? found[at];
  const name = step ? stepLabel(step) : 'the end';
  const why =
    found.length < wanted.length
      ? `it has only ${found.length} of the ${wanted.length} steps that the zipped networks have in common, and ${name} is not among them`
      : `it does something else than the zipped networks at ${name}`;
  throw new Error(`Cannot add "${task}": ${why}; zip all ${all.tasks.length} networks anew`);
}
