import { blockOf, tasksWith, type Network } from './network.ts';
import { wiringProblem, type Plan } from './plan.ts';
import type { Given } from './unformBlocks.ts';

export interface RolledBack {
  readonly plan: Plan;
  /** Channels that the group was to share, and that it is to share from here on. */
  readonly from: number;
  readonly to: number;
  /** The other groups that share nothing any more, with what they were to share. */
  readonly orphans: readonly { readonly group: number; readonly from: number }[];
}

/**
 * Plans half as many channels of a group, at last none; of a prefix none at once, because it shares whole groups. What could
 * read nothing shared any more goes with it: in residual networks groups need each other.
 */
export function rollBack(network: Network, before: Plan, group: number): RolledBack {
  const from = before.get(group) ?? 0;
  const half = network.wiring === 'prefix' ? 0 : Math.floor(from / 2);
  const plan = new Map(before);
  if (half > 0) plan.set(group, half);
  else plan.delete(group);
  const orphan = (): number | undefined =>
    [...plan.keys()].find((each) => wiringProblem(network, plan, each) !== null);
  for (let each = orphan(); each !== undefined; each = orphan()) plan.delete(each);
  const orphans = [...before]
    .filter(([other]) => other !== group && !plan.has(other))
    .map(([other, count]) => ({ group: other, from: count }));
  return { plan, from, to: plan.get(group) ?? 0, orphans };
}

/** Predicted loss of each channel that all tasks share, in the order of its block, by group. */
export type ChannelCosts = ReadonlyMap<number, readonly number[]>;

/** What a network shares beyond a plan: of each group the dearest channels. */
export function surplus(network: Network, plan: Plan, costs: ChannelCosts): Given {
  const given = new Map<number, readonly number[]>();
  for (const [group, own] of costs) {
    const shared = blockOf(network, group, tasksWith(network, group))?.sources.length ?? 0;
    const gone = shared - (plan.get(group) ?? 0);
    if (gone > 0) given.set(group, dearest(own, gone));
  }
  return given;
}

/** Positions of the highest costs, ascending; of equal ones the last. */
const dearest = (costs: readonly number[], count: number): number[] =>
  [...costs.keys()]
    .sort((a, b) => (costs[b] ?? 0) - (costs[a] ?? 0) || b - a)
    .slice(0, count)
    .sort((a, b) => a - b);

/** The costs of the channels that stay. */
export function withoutGiven(
  costs: readonly (readonly [group: number, costs: readonly number[]])[],
  given: Given,
): (readonly [group: number, costs: readonly number[]])[] {
  return costs.flatMap(([group, own]) => {
    const gone = new Set(given.get(group));
    const left = own.filter((_, channel) => !gone.has(channel));
    return left.length > 0 ? [[group, left] as const] : [];
  });
}
