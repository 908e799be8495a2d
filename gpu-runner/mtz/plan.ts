import type { Recipe } from '../../shared/recipe.ts';
import { blockOf, doesStep, tasksWith, widthOf, type Network, type WeightedStep } from './network.ts';
import { groupsInOrder, hasUnsettled, layersOf, narrowest, shareable } from './survey.ts';
import { allOf, members } from './taskSet.ts';
import { inputGroup, valueAt } from './topology.ts';

/** How many channels of each group all tasks share, by group. Groups that share none are not here. */
export type Plan = ReadonlyMap<number, number>;

/**
 * How many channels each group shares, as a recipe says by hand; decided before anything is computed.
 *
 * @throws {Error} when the recipe names what cannot be shared, asks for more channels than there are, or its wiring does
 * not allow the counts.
 */
export function planByHand(network: Network, share: Recipe['share']): Plan {
  const groups = [...groupsInOrder(network)];
  checkNames(network, groups, share);
  const plan = new Map<number, number>();
  for (const group of groups) {
    const count = countFor(network, group, share);
    if (count > 0) plan.set(group, count);
  }
  checkWiring(network, plan);
  return plan;
}

/** What a network shares among all its tasks: its plan once floors have changed it. */
export function planOf(network: Network): Plan {
  const all = allOf(network.tasks.length);
  const counts = [...groupsInOrder(network)].map(
    (group) => [group, blockOf(network, group, all)?.sources.length ?? 0] as const,
  );
  return new Map(counts.filter(([, count]) => count > 0));
}

const nameOf = (network: Network, group: number): string =>
  network.topology.groups[group]?.name ?? String(group);

function checkNames(network: Network, groups: readonly number[], share: Recipe['share']): void {
  if (isUniform(share)) return;
  const hidden = groups.filter((group) => network.topology.groups[group]?.pinned === null);
  for (const name of Object.keys(share)) {
    const group = network.topology.groups.findIndex((each) => each.name === name);
    const pinned = network.topology.groups[group]?.pinned;
    if (pinned) throw new Error(`Cannot share ${name}: ${pinned}`);
    if (hidden.includes(group)) continue;
    const names = hidden.map((each) => nameOf(network, each)).join(', ') || 'none';
    throw new Error(`Cannot share ${name}: the groups that can be shared are ${names}`);
  }
}

function countFor(network: Network, group: number, share: Recipe['share']): number {
  const most = shareable(network, group);
  const name = nameOf(network, group);
  const asked = isUniform(share) ? share : Object.hasOwn(share, name) ? share[name] : undefined;
  if (asked === undefined) return 0;
  if ('share' in asked) {
    return Math.min(most, Math.round(asked.share * narrowest(network, group)));
  }
  if (asked.count > most) {
    const [added = ''] = network.tasks.slice(network.settled);
    const has = !hasUnsettled(network, group)
      ? `"${added}" has`
      : most < narrowest(network, group)
        ? 'the tasks that are there share'
        : 'the narrowest network has';
    throw new Error(`Cannot share ${asked.count} channels of ${name}: ${has} ${most}`);
  }
  return asked.count;
}

/**
 * @throws {Error} when a shared channel would have nothing shared to read (one-way), or a group is shared in part
 * (prefix).
 */
export function checkWiring(network: Network, plan: Plan): void {
  for (const [group, count] of plan) {
    const problem = wiringProblem(network, plan, group);
    if (problem !== null)
      throw new Error(`Cannot share ${count} channels of ${nameOf(network, group)}${problem}`);
  }
}

/** Why the wiring does not allow a group to share what the plan says, or null. */
export function wiringProblem(network: Network, plan: Plan, group: number): string | null {
  const count = plan.get(group) ?? 0;
  if (network.wiring === 'crossed' || count === 0) return null;
  const isWhole = (of: number): boolean =>
    of === inputGroup ||
    members(tasksWith(network, of)).every((task) => widthOf(network, of, task) === (plan.get(of) ?? 0));
  if (network.wiring === 'prefix' && !isWhole(group)) {
    const widths = network.tasks.map((task, index) => `"${task}" has ${widthOf(network, group, index)}`);
    return `: a prefix shares whole layers, and ${widths.join(', ')}`;
  }
  const { tasks, settled } = network;
  // What others share of a layer that a task was added without is not planned.
  const isPlanned = (layer: WeightedStep): boolean =>
    settled === 1 || tasks.some((_, task) => task >= settled && doesStep(network, layer, task));
  for (const layer of layersOf(network, group).filter(isPlanned)) {
    const below = valueAt(network.topology, layer.input).segments.map((segment) => segment.group);
    const names = [...new Set(below.map((each) => nameOf(network, each)))].join(', ');
    if (network.wiring === 'one-way' && !below.some((each) => each === inputGroup || plan.has(each)))
      return ` one-way: ${names}, which ${layer.name} reads, shares no channel that it could read`;
    if (network.wiring === 'prefix' && !below.every(isWhole))
      return `: a prefix is shared from the input on, and ${names}, which ${layer.name} reads, is not`;
  }
  return null;
}

export const isUniform = (share: Recipe['share']): share is { share: number } =>
  typeof share.share === 'number';
