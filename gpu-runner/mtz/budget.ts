import { estimateHeapBytes, heldParameterBytes, modelBytesIn, parameterBytes } from '../../shared/heap.ts';
import type { Budget, Storage } from '../../shared/recipe.ts';
import type { Network } from './network.ts';
import { wiringProblem, type Plan } from './plan.ts';
import { planSize, PlanSizer, type PlanSize } from './planSize.ts';
import { shareable } from './survey.ts';

/** What is to be saved: stored parameters, or multiply-adds for all tasks on one input. */
export type Saving = keyof PlanSize;

/** A plan, what it would lead to and what it is predicted to cost. */
export interface PlanPoint extends PlanSize {
  readonly plan: Plan;
  /** Predicted: a part of the variance of the answers. */
  readonly loss: number;
}

/** A group gives up this part of its channels at a time, of its last ones half. */
const chunkShare = 1 / 16;

/** Parts of what is shared at most that paths begin with: giving up one layer after the other leads elsewhere from each. */
const beginnings = [1, 3 / 4, 1 / 2, 1 / 4];

/**
 * Plans from sharing everything to sharing nothing: at each step the group gives up some of its channels whose doing so
 * saves the most predicted loss for each parameter (or multiply-add) that it costs; from everything, and from the same part
 * of every group.
 *
 * @param most what is shared at first
 * @param lossOf what a plan is predicted to lose
 * @returns points of falling loss and growing size: no other plan that was looked at is both smaller and better
 */
export function planPath(
  network: Network,
  most: Plan,
  saving: Saving,
  lossOf: (plan: Plan) => number,
): PlanPoint[] {
  const search = new PlanSearch(network, saving, lossOf);
  const everything = search.pointOf(most);
  const found = beginnings
    .filter((part) => part === 1 || network.wiring !== 'prefix')
    .flatMap((part) => search.descend(part === 1 ? everything : search.pointOf(search.partOf(most, part))))
    // One-way, some are smaller yet: so little is read by what is shared that they prune more than they share.
    .filter((point) => point[saving] >= everything[saving])
    .sort((one, other) => one[saving] - other[saving] || one.loss - other.loss);
  const points: PlanPoint[] = [];
  for (const point of found) if (point.loss < (points.at(-1)?.loss ?? Infinity)) points.push(point);
  return points;
}

/** What a group gives up first, and what that would change. */
export interface Marginal extends PlanSize {
  readonly channels: number;
  /** Predicted loss that would be saved. */
  readonly loss: number;
}

/** By group, what sharing a little less of it would save of loss and add of parameters and multiply-adds, one group at a time. */
export const marginalsOf = (
  network: Network,
  plan: Plan,
  lossOf: (plan: Plan) => number,
): Map<number, Marginal> => new PlanSearch(network, 'parameters', lossOf).marginals(plan);

class PlanSearch {
  private readonly network: Network;
  private readonly saving: Saving;
  private readonly lossOf: (plan: Plan) => number;
  private readonly sizer: PlanSizer;
  /** How many channels each group gives up at a time. */
  private readonly chunks: readonly number[];

  constructor(network: Network, saving: Saving, lossOf: (plan: Plan) => number) {
    this.network = network;
    this.saving = saving;
    this.lossOf = lossOf;
    this.sizer = new PlanSizer(network);
    this.chunks = network.topology.groups.map((_, group) =>
      Math.max(1, Math.round(shareable(network, group) * chunkShare)),
    );
  }

  pointOf(plan: Plan): PlanPoint {
    return { plan, ...this.sizer.size(plan), loss: this.lossOf(plan) };
  }

  /** A part of what each group shares, as far as the wiring allows it. */
  partOf(plan: Plan, part: number): Plan {
    const counts = [...plan].map(([group, count]) => [group, Math.round(part * count)] as const);
    const scaled = new Map(counts.filter(([, count]) => count > 0));
    this.dropOrphans(scaled);
    return this.areOwnRead(scaled, [...scaled.keys()]) ? scaled : new Map();
  }

  /** From a plan to nothing shared. */
  descend(from: PlanPoint): PlanPoint[] {
    const points = [from];
    for (let point = this.next(from); point; point = this.next(point)) points.push(point);
    return points;
  }

  marginals(plan: Plan): Map<number, Marginal> {
    const from = this.pointOf(plan);
    const found = new Map<number, Marginal>();
    for (const [group, count] of plan) {
      const less = this.fewer(plan, group, count);
      if (!less) continue;
      const point = this.pointOf(less);
      found.set(group, {
        channels: count - (less.get(group) ?? 0),
        loss: from.loss - point.loss,
        parameters: point.parameters - from.parameters,
        macs: point.macs - from.macs,
      });
    }
    return found;
  }

  private next(from: PlanPoint): PlanPoint | undefined {
    let best: { point: PlanPoint; ratio: number } | undefined;
    for (const [group, count] of from.plan) {
      const plan = this.fewer(from.plan, group, count);
      if (!plan) continue;
      const point = this.pointOf(plan);
      const added = point[this.saving] - from[this.saving];
      // A prefix is cut at its end: cut at its beginning it would be gone at once, however much that were worth.
      const ratio = this.network.wiring === 'prefix' ? -added : worth(from.loss - point.loss, added);
      if (!best || ratio > best.ratio) best = { point, ratio };
    }
    return best?.point;
  }

  /** The plan with a chunk less of one group and without what that takes away, or undefined where it would leave channels that nothing reads. */
  private fewer(plan: Plan, group: number, count: number): Plan | undefined {
    const chunk = this.chunks[group] ?? 1;
    const left = this.network.wiring === 'prefix' ? 0 : count > chunk ? count - chunk : Math.floor(count / 2);
    const next = new Map(plan);
    if (left > 0) next.set(group, left);
    else next.delete(group);
    const gone = left > 0 ? [] : this.dropOrphans(next);
    return this.areOwnRead(next, [group, ...gone]) ? next : undefined;
  }

  /** Takes out what could read nothing shared any more: in residual networks groups need each other. */
  private dropOrphans(plan: Map<number, number>): number[] {
    const gone: number[] = [];
    const orphan = (): number | undefined =>
      [...plan.keys()].find((each) => wiringProblem(this.network, plan, each) !== null);
    for (let each = orphan(); each !== undefined; each = orphan()) {
      plan.delete(each);
      gone.push(each);
    }
    return gone;
  }

  private areOwnRead(plan: Plan, groups: readonly number[]): boolean {
    return groups.every((group) => this.sizer.isOwnRead(plan, group));
  }
}

/** What sharing less is worth: loss saved for what it adds. One-way it can add nothing, and cost loss. */
function worth(saved: number, added: number): number {
  if (saved <= 0) return saved === 0 ? 0 : -1 - Math.abs(saved);
  return added > 0 ? saved / added : Infinity;
}

/** What a budget limits, as a number of parameters or multiply-adds. */
export interface Limit {
  readonly saving: Saving;
  readonly atMost: number;
}

/** @param storage how the bundle's weights will be stored */
export function limitOf(network: Network, budget: Budget, storage: Storage): Limit {
  switch (budget.of) {
    case 'parameters':
    case 'macs':
      return { saving: budget.of, atMost: budget.atMost * planSize(network, new Map())[budget.of] };
    case 'bytes':
      return { saving: 'parameters', atMost: Math.floor(budget.atMostBytes / parameterBytes[storage]) };
    case 'heap': {
      const bytes = modelBytesIn(budget.atMostBytes);
      return { saving: 'parameters', atMost: Math.floor(bytes / heldParameterBytes(storage)) };
    }
    default:
      return budget satisfies never;
  }
}

/**
 * Refuses a budget that no plan can keep: nothing is smaller than what shares all that can be shared.
 *
 * @param most what is shared at most
 * @throws {Error} that says in the budget's own unit what is the least.
 */
export function checkBudget(network: Network, most: Plan, budget: Budget, storage: Storage): void {
  const { saving, atMost } = limitOf(network, budget, storage);
  const least = planSize(network, most)[saving];
  if (least <= atMost) return;
  const refused = (asked: string, left: string): Error =>
    new Error(`Cannot keep to ${asked}: sharing all that can be shared leaves ${left}`);
  switch (budget.of) {
    case 'parameters':
    case 'macs': {
      const separate = planSize(network, new Map())[saving];
      const percent = (value: number): string => `${((100 * value) / separate).toFixed(1)} %`;
      const what = budget.of === 'macs' ? 'multiply-adds' : 'parameters';
      throw refused(`${percent(atMost)} of the separate networks' ${what}`, percent(least));
    }
    case 'bytes':
      throw refused(
        `${budget.atMostBytes} bytes of weights stored as ${storage}`,
        String(least * parameterBytes[storage]),
      );
    case 'heap':
      throw refused(
        `a heap of ${budget.atMostBytes} bytes at the edge, weights stored as ${storage}`,
        String(estimateHeapBytes(least * heldParameterBytes(storage))),
      );
    default:
      return budget satisfies never;
  }
}

/**
 * The plan of least predicted loss that keeps to a limit.
 *
 * @throws {RangeError} when none does: {@link checkBudget} says so before anything is measured.
 */
export function planWithin(path: readonly PlanPoint[], { saving, atMost }: Limit): PlanPoint {
  const [first, ...others] = path.filter((point) => point[saving] <= atMost);
  if (!first) throw new RangeError(`Cannot keep to ${atMost} ${saving}: none of ${path.length} plans does`);
  return others.reduce((best, point) => (point.loss < best.loss ? point : best), first);
}

/** More points than anybody can tell apart on a screen are of no use. */
const mostPoints = 400;

/** So many points of a curve at most, evenly, the first and the last among them. */
export function thinCurve(curve: readonly PlanPoint[], limit = mostPoints): PlanPoint[] {
  const count = Math.max(2, Math.min(limit, mostPoints));
  if (curve.length <= count) return [...curve];
  const picked = Array.from({ length: count }, (_, index) =>
    Math.round((index * (curve.length - 1)) / (count - 1)),
  );
  return picked.flatMap((index) => curve[index] ?? []);
}
