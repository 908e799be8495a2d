import { estimateHeapBytes, heldParameterBytes, parameterBytes } from '../../../../../shared/heap.ts';
import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Budget, Storage } from '../../../../../shared/recipe.ts';
import type { GroupBar } from '../../charts/rows.ts';

/** What a budget is of that is dragged along a curve. */
export type Measure = Exclude<Budget['of'], 'bytes'>;
type Point = PlanResult['curve'][number];

/** What a plan is asked to save first: a heap is a number of parameters. */
export const savingOf = (of: Measure): PlanResult['of'] => (of === 'heap' ? 'parameters' : of);

/** Heap of ONNX Runtime at the edge with the whole bundle loaded, about, in bytes. */
export const heapAt = ({ parameters }: Pick<Point, 'parameters'>, storage: Storage): number =>
  estimateHeapBytes(parameters * heldParameterBytes(storage));

function sizeOf(point: Point, of: Measure, storage: Storage): number {
  switch (of) {
    case 'parameters':
      return point.parameters * parameterBytes[storage];
    case 'macs':
      return point.macs;
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
    heap: point ? heapAt(point, storage) / heapAt(separate, 'float32') : 1,
  };
}

/**
 * The budget that leads a merge to a place of the curve; undefined at its beginning, where all is shared that can be. A part
 * of a parameter is added, so that no rounding loses the place: a small one to a heap, which is rounded up to whole bytes.
 */
export function budgetAt(plan: PlanResult, place: number, of: Measure, storage: Storage): Budget | undefined {
  const point = plan.curve[place];
  if (place <= 0 || !point) return undefined;
  if (of === 'heap') return { of, atMostBytes: heapAt({ parameters: point.parameters + 0.05 }, storage) };
  return { of, atMost: Math.min(1, (point[of] + 0.5) / Math.max(plan.separate[of], 1)) };
}
