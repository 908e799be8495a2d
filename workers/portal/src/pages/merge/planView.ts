import {
  estimateHeapBytes,
  heldParameterBytes,
  modelBytesIn,
  parameterBytes,
} from '../../../../../shared/heap.ts';
import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Budget, Storage } from '../../../../../shared/recipe.ts';
import type { GroupBar } from '../../charts/rows.ts';
import { formatBytes, formatPercent } from '../../ui/format.ts';
import { budgetOf, budgetUnit, mebibyte } from './typedBudget.ts';

/** What a budget is of, and the axis of the curve. */
export type Measure = Budget['of'];
type Point = Pick<PlanResult['curve'][number], 'parameters' | 'macs'>;

/** What a plan is asked to save first: bytes and a heap are a number of parameters. */
export const savingOf = (of: Measure): PlanResult['of'] => (of === 'macs' ? of : 'parameters');

/** Heap of ONNX Runtime at the edge with the whole bundle loaded, about, in bytes. */
export const heapAt = ({ parameters }: Pick<Point, 'parameters'>, storage: Storage): number =>
  estimateHeapBytes(parameters * heldParameterBytes(storage));

function sizeOf(point: Point, of: Measure, storage: Storage): number {
  switch (of) {
    case 'parameters':
    case 'macs':
      return point[of];
    case 'bytes':
      return point.parameters * parameterBytes[storage];
    case 'heap':
      return heapAt(point, storage);
    default:
      return of satisfies never;
  }
}

/** What a point of the curve is: the size that the axis shows, and the predicted loss. */
export const curveOf = (plan: PlanResult, of: Measure, storage: Storage): { x: number; y: number }[] =>
  plan.curve.map((point) => ({ x: sizeOf(point, of, storage), y: point.loss }));

/** The place on the curve whose size is nearest to a size. */
export function placeAt(plan: PlanResult, of: Measure, storage: Storage, x: number): number {
  const distances = curveOf(plan, of, storage).map((point) => Math.abs(point.x - x));
  return distances.indexOf(Math.min(...distances));
}

/** What each group shares at a place of the curve, what each task keeps. */
export function barsOf({ groups, curve }: PlanResult, place: number): GroupBar[] {
  const shared = curve[place]?.shared ?? [];
  return groups.map(({ name, widths, reason }, group) => {
    const count = shared[group] ?? 0;
    const tasks = Object.keys(widths);
    return {
      name,
      reason,
      blocks: [
        ...(count > 0 ? [{ tasks, channels: count }] : []),
        ...tasks.map((task) => ({ tasks: [task], channels: (widths[task] ?? 0) - count })),
      ],
    };
  });
}

/** The sizes at a place, as shares of the separate networks, all of them stored as float32 and loaded together. */
export function savedAt(plan: PlanResult, place: number, storage: Storage): Record<Measure, number> {
  const { curve, separate } = plan;
  const point = curve[place];
  const share = (of: PlanResult['of']): number =>
    separate[of] === 0 || !point ? 1 : point[of] / separate[of];
  return {
    parameters: share('parameters'),
    macs: share('macs'),
    bytes: (share('parameters') * parameterBytes[storage]) / parameterBytes.float32,
    heap: point ? heapAt(point, storage) / heapAt(separate, 'float32') : 1,
  };
}

/** The place that a budget leads a merge to: of those that keep it, the one of least predicted loss; -1: none keeps it. */
export function placeWithin(plan: PlanResult, budget: Budget | undefined, storage: Storage): number {
  if (!budget) return 0;
  const { saving, atMost } = limitOf(plan, budget, storage);
  return plan.curve.reduce((best, point, place) => {
    const isBetter = best === -1 || point.loss < (plan.curve[best]?.loss ?? Infinity);
    return point[saving] <= atMost && isBetter ? place : best;
  }, -1);
}

/** The most that a budget allows, as runners count it. */
function limitOf(
  { separate }: PlanResult,
  budget: Budget,
  storage: Storage,
): { saving: PlanResult['of']; atMost: number } {
  switch (budget.of) {
    case 'parameters':
    case 'macs':
      return { saving: budget.of, atMost: budget.atMost * separate[budget.of] };
    case 'bytes':
      return { saving: 'parameters', atMost: Math.floor(budget.atMostBytes / parameterBytes[storage]) };
    case 'heap':
      return {
        saving: 'parameters',
        atMost: Math.floor(modelBytesIn(budget.atMostBytes) / heldParameterBytes(storage)),
      };
    default:
      return budget satisfies never;
  }
}

/** Digits behind the point that a budget is typed with at most. */
const mostDigits = 9;

/** The shortest number that, typed as a budget, leads to a place of the curve; empty at its beginning, where no budget is. */
export function typedAt(plan: PlanResult, place: number, of: Measure, storage: Storage): string {
  const point = plan.curve[place];
  if (place <= 0 || !point) return '';
  const size = sizeOf(point, of, storage);
  const exact =
    budgetUnit(of) === 'MiB'
      ? size / mebibyte
      : (100 * size) / Math.max(1, sizeOf(plan.separate, of, storage));
  for (let digits = 0; ; digits++) {
    // Upwards: what is a little less would not hold the place.
    const text = (Math.ceil(exact * 10 ** digits) / 10 ** digits).toFixed(digits);
    const leads = placeWithin(plan, budgetOf({ budgetOf: of, budget: text }), storage) === place;
    if (leads || digits === mostDigits) return text;
  }
}

/** Why no plan keeps a budget, with what is the least; undefined: one does. */
export function whyUnkeepable(
  plan: PlanResult,
  budget: Budget | undefined,
  storage: Storage,
): string | undefined {
  if (!budget || placeWithin(plan, budget, storage) >= 0) return undefined;
  const least = plan.curve.reduce((one, other) =>
    other[savingOf(budget.of)] < one[savingOf(budget.of)] ? other : one,
  );
  const size = sizeOf(least, budget.of, storage);
  const shown =
    budgetUnit(budget.of) === 'MiB'
      ? `${(Math.ceil((100 * size) / mebibyte) / 100).toFixed(2)} MiB (${formatBytes(size)})`
      : formatPercent(Math.ceil((1000 * size) / sizeOf(plan.separate, budget.of, storage)) / 1000, 1);
  return `Sharing all that can be shared leaves ${shown}: enter that or more.`;
}
