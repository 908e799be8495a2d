import type { Recipe } from '../../shared/recipe.ts';
import { formBlocks } from './formBlocks.ts';
import { blockOf, blocksOf, tasksWith, widthOf, type Network, type WeightedStep } from './network.ts';
import { pairGroup, producersOf, type Pairing } from './pairing.ts';
import type { StepGram } from './stepGrams.ts';
import { allOf, members } from './taskSet.ts';
import { valueAt } from './topology.ts';

/** By group: which channels would become one if as many as possible were shared, judged on the untouched networks. */
export type Pairings = ReadonlyMap<number, Pairing>;

/**
 * Most channels of a group that all tasks can share: those of the narrowest network, and where a task is added to others,
 * what these share, be it nothing; none of a pinned group, and none that the added network does not have.
 */
export function shareable(network: Network, group: number): number {
  if (network.topology.groups[group]?.pinned !== null) return 0;
  return Math.min(narrowest(network, group), settledChannels(network, group) ?? Infinity);
}

/** Channels of a group that the narrowest network has, of those that have any. */
export const narrowest = (network: Network, group: number): number =>
  Math.min(...members(tasksWith(network, group)).map((task) => widthOf(network, group, task)));

/** Whether a group has channels of a task that is not zipped yet. */
export const hasUnsettled = (network: Network, group: number): boolean =>
  (tasksWith(network, group) & ~allOf(network.settled)) !== 0;

/** Channels of a group that the tasks share to which one is added; null where all are zipped at once. */
function settledChannels(network: Network, group: number): number | null {
  const { settled } = network;
  if (settled === 1) return null;
  if (!hasUnsettled(network, group)) return 0;
  return blockOf(network, group, tasksWith(network, group) & allOf(settled))?.sources.length ?? 0;
}

/** Every group's pairs as blocks, but those of some groups. */
export function formAll(
  network: Network,
  pairings: Pairings,
  except: ReadonlySet<number> = new Set(),
): Network {
  let formed = network;
  for (const [group, { formings }] of pairings) {
    if (except.has(group) || isFormed(network, group)) continue;
    for (const forming of formings) formed = formBlocks(formed, forming);
  }
  return formed;
}

/** Whether a group has channels that all tasks share that have any, one of them not zipped before. */
export const isFormed = (network: Network, group: number): boolean =>
  hasUnsettled(network, group) && blockOf(network, group, tasksWith(network, group)) !== undefined;

/** Whether a group has channels that some tasks share. */
export const isShared = (network: Network, group: number): boolean =>
  blocksOf(network, group).some(({ tasks }) => members(tasks).length > 1);

/** Whether a task has no channels in a group: one that was added with only some of the others' steps. */
export const isLacking = (network: Network, group: number): boolean =>
  tasksWith(network, group) !== allOf(network.tasks.length);

/** Where the Gram matrices of a step come from, by task. */
export interface GramSource {
  of(step: WeightedStep): Promise<readonly StepGram[]>;
  /** @param pairings known by then */
  release(step: WeightedStep, pairings: Pairings): void | Promise<void>;
}

/**
 * Pairs the channels of all groups on the untouched networks. Layers that read a group which is not paired yet cannot be
 * compared; groups that several layers put out are therefore paired again once all others are.
 *
 * @param grams what measures a step, or has measured it, on the untouched networks; a step that only one pairing needs is
 *   released after it
 * @param count how many channels of each group to pair; those with none stay apart
 */
export async function pairAll(
  network: Network,
  grams: GramSource,
  { matching, seed }: Pick<Recipe, 'matching' | 'seed'>,
  count: (group: number) => number,
): Promise<Map<number, Pairing>> {
  const pairings = new Map<number, Pairing>();
  const order = [...groupsInOrder(network)].filter((group) => count(group) > 0);
  const pair = async (among: Network, group: number): Promise<Pairing> => {
    const measured = new Map(
      producersOf(network, group).map((step) => [step.name, () => grams.of(step)] as const),
    );
    return pairGroup(among, group, { count: count(group), matching, seed, grams: measured });
  };
  const isPairedAgain = (group: number): boolean => layersOf(network, group).length > 1;
  let formed = network;
  for (const group of order) {
    const pairing = await pair(formed, group);
    pairings.set(group, pairing);
    for (const forming of pairing.formings) formed = formBlocks(formed, forming);
    if (isPairedAgain(group)) continue;
    for (const step of producersOf(network, group)) await grams.release(step, pairings);
  }
  for (const group of order) {
    if (!isPairedAgain(group)) continue;
    const others = formAll(network, pairings, new Set([group]));
    pairings.set(group, await pair(others, group));
    for (const step of producersOf(network, group)) await grams.release(step, pairings);
  }
  return pairings;
}

/** The layers that put a group's channels out. */
export const layersOf = (network: Pick<Network, 'topology'>, group: number): WeightedStep[] =>
  producersOf(network, group).filter(({ kind }) => kind === 'layer');

/** Groups in the order in which their first layers are computed. */
export function groupsInOrder(network: Pick<Network, 'topology'>): Set<number> {
  return new Set(
    network.topology.steps.flatMap((step) =>
      step.kind === 'layer' ? valueAt(network.topology, step.output).segments.map(({ group }) => group) : [],
    ),
  );
}
