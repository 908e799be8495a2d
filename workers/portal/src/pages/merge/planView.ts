import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Budget, Storage } from '../../../../../shared/recipe.ts';
import type { GroupBar } from '../../charts/rows.ts';

export type Measure = PlanResult['of'];

/** Bytes of one stored parameter; scales of int8 are not counted. */
export const parameterBytes: Readonly<Record<Storage, number>> = { float32: 4, float16: 2, int8: 1 };

/** What a point of the curve is: the size that the axis shows, and the predicted loss. */
export const curveOf = ({ curve }: PlanResult, of: Measure, storage: Storage): { x: number; y: number }[] =>
  curve.map((point) => ({
    x: of === 'parameters' ? point.parameters * parameterBytes[storage] : point.macs,
    y: point.loss,
  }));

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

/** The sizes at a place, as shares of the separate networks. */
export function savedAt(
  { curve, separate }: PlanResult,
  place: number,
): { parameters: number; macs: number } {
  const point = curve[place];
  const share = (of: Measure): number => (separate[of] === 0 || !point ? 1 : point[of] / separate[of]);
  return { parameters: share('parameters'), macs: share('macs') };
}

/**
 * The budget that leads a merge to a place of the curve; undefined at its beginning, where all is shared that can be. Half
 * a parameter is added, so that no rounding loses the place.
 */
export function budgetAt({ curve, separate, of }: PlanResult, place: number): Budget | undefined {
  const point = curve[place];
  if (place <= 0 || !point) return undefined;
  return { of, atMost: Math.min(1, (point[of] + 0.5) / Math.max(separate[of], 1)) };
}
