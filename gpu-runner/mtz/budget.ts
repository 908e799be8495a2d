import { estimateHeapBytes, heldParameterBytes, modelBytesIn } from '../../shared/heap.ts';
import type { Budget, Storage } from '../../shared/recipe.ts';
import { countParameters } from './count.ts';
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

/** Parameters that stay whole in the heads, whatever the plan. */
export const tailParameters = ({ tails }: Network): number =>
  tails.reduce((sum, tail) => sum + (tail ? countParameters(tail.graph) : 0), 0);

/**
 * @param storage how the bundle's weights will be stored
 * @throws {Error} when a heap is too small for any network.
 */
export function limitOf(network: Network, budget: Budget, storage: Storage): Limit {
  if (budget.of !== 'heap')
    return { saving: budget.of, atMost: budget.atMost * planSize(network, new Map())[budget.of] };
  const heldBytes = heldParameterBytes(storage);
  const inTails = tailParameters(network);
  const parameters = Math.floor(modelBytesIn(budget.atMostBytes) / heldBytes) - inTails;
  if (parameters <= 0)
    throw new Error(
      `Cannot keep to a heap of ${budget.atMostBytes} bytes: ${estimateHeapBytes(inTails * heldBytes)} are needed before any layer`,
    );
  return { saving: 'parameters', atMost: parameters };
}

/**
 * The plan of least predicted loss that keeps to a limit.
 *
 * @throws {Error} when not even sharing everything does.
 */
export function planWithin(
  network: Network,
  path: readonly PlanPoint[],
  { saving, atMost }: Limit,
): PlanPoint {
  const fitting = path.filter((point) => point[saving] <= atMost);
  const [first, ...others] = fitting;
  if (!first) {
    const separate = planSize(network, new Map())[saving];
    const least = Math.min(...path.map((point) => point[saving]));
    const percent = (value: number): string => `${((100 * value) / separate).toFixed(1)} %`;
    throw new Error(
      `Cannot keep to ${percent(atMost)} of the separate networks' ${saving}: sharing all that can be shared leaves ${percent(least)}`,
    );
  }
  return others.reduce((best, point) => (point.loss < best.loss ? point : best), first);
}
