import { estimateHeapBytes, heldParameterBytes, modelBytesIn } from '../../shared/heap.ts';
import type { Budget, Storage } from '../../shared/recipe.ts';
import { countParameters } from './count.ts';
import type { Network } from './network.ts';
import type { Pairing } from './pairing.ts';
import { wiringProblem, type Plan } from './plan.ts';
import { isOwnRead, planSize, type PlanSize } from './planSize.ts';
import { shareable, type Pairings } from './survey.ts';

/** What is to be saved: stored parameters, or multiply-adds for all tasks on one input. */
export type Saving = keyof PlanSize;

/** A plan, what it would lead to and what it is predicted to cost. */
export interface PlanPoint extends PlanSize {
  readonly plan: Plan;
  /** Second-order loss summed over all shared channels, judged on the untouched networks. */
  readonly loss: number;
}

/** A group gives up this part of its channels at a time. */
const chunkShare = 1 / 16;

/**
 * Plans from sharing everything to sharing nothing: at each step the group gives up some of its channels whose doing so
 * saves the most predicted loss for each parameter (or multiply-add) that it costs.
 *
 * @param most what is shared at first
 * @param pairings the channels of all its groups, paired
 * @param dropped what shared channels lose that may not read what stays apart
 * @returns points of falling loss, from the most that is shared to nothing
 */
export function planPath(
  network: Network,
  most: Plan,
  pairings: Pairings,
  saving: Saving,
  dropped: (plan: Plan) => number = () => 0,
): PlanPoint[] {
  const costs = new Map([...pairings].map(([group, pairing]) => [group, sortedCosts(pairing)]));
  let plan = most;
  let size = planSize(network, plan);
  const lossOf = (of: Plan): number =>
    [...of].reduce((sum, [group, count]) => sum + total(costs.get(group) ?? [], count), dropped(of));
  const points: PlanPoint[] = [{ plan, ...size, loss: lossOf(plan) }];
  while (plan.size > 0) {
    let best: { plan: Plan; size: PlanSize; ratio: number } | undefined;
    for (const [group, count] of plan) {
      const next = fewer(network, plan, group, count);
      if (!next) continue;
      const nextSize = planSize(network, next);
      const added = nextSize[saving] - size[saving];
      const saved = lossOf(plan) - lossOf(next);
      // A prefix is cut at its end: cut at its beginning it would be gone at once, however much that were worth.
      const ratio = network.wiring === 'prefix' ? -added : worth(saved, added);
      if (!best || ratio > best.ratio) best = { plan: next, size: nextSize, ratio };
    }
    if (!best) break;
    ({ plan, size } = best);
    const loss = lossOf(plan);
    // What saves less and costs more than an earlier plan is none to choose.
    if (loss < (points.at(-1)?.loss ?? Infinity)) points.push({ plan, ...size, loss });
  }
  return points;
}

/** What sharing less is worth: loss saved for what it adds. One-way it can add nothing, and cost loss. */
function worth(saved: number, added: number): number {
  if (saved <= 0) return saved === 0 ? 0 : -1 - Math.abs(saved);
  return added > 0 ? saved / added : Infinity;
}

/** The plan with a chunk less of one group and without what that takes away, or undefined where it would leave channels that nothing reads. */
function fewer(network: Network, plan: Plan, group: number, count: number): Plan | undefined {
  const most = shareable(network, group);
  const chunk = network.wiring === 'prefix' ? count : Math.max(1, Math.round(most * chunkShare));
  const next = new Map(plan);
  if (count > chunk) next.set(group, count - chunk);
  else next.delete(group);
  // What could read nothing shared any more is not shared either: in residual networks groups need each other.
  const gone = count > chunk ? [] : [group];
  const orphan = (): number | undefined =>
    [...next.keys()].find((each) => wiringProblem(network, next, each) !== null);
  for (let each = orphan(); each !== undefined; each = orphan()) {
    next.delete(each);
    gone.push(each);
  }
  return [group, ...gone].every((each) => isOwnRead(network, next, each)) ? next : undefined;
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

const sortedCosts = ({ costs }: Pairing): number[] => [...costs].sort((a, b) => a - b);

const total = (costs: readonly number[], count: number): number =>
  costs.slice(0, count).reduce((sum, cost) => sum + cost, 0);
