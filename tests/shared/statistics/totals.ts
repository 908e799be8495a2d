import { ratioSumsOf, type RatioSums } from '../../../shared/statistics/ratio.ts';
import type { ArmTotals } from '../../../shared/statistics/totals.ts';

/** `hits` of `units` units with one request each. */
export const hitsOf = (hits: number, units: number): RatioSums => ({
  units,
  x: hits,
  y: units,
  xx: hits,
  xy: hits,
  yy: units,
});

/** Latencies that spread evenly around their mean. */
export const latenciesOf = (meanMs: number, units: number): RatioSums =>
  ratioSumsOf(Array.from({ length: units }, (_, i) => [meanMs * (0.5 + i / (units - 1 || 1)), 1]));

/** An arm of 1,000 units: 90 % right on both tasks, 1 % errors, 10 ms; `change` replaces parts. */
export function armTotals(change: Partial<ArmTotals> = {}): ArmTotals {
  const units = change.units ?? 1000;
  return {
    units,
    phaseUnits: units,
    errors: hitsOf(Math.round(0.01 * units), units),
    latencyMs: latenciesOf(10, units),
    tasks: {
      digit: hitsOf(Math.round(0.9 * units), units),
      clothing: hitsOf(Math.round(0.9 * units), units),
    },
    costs: {},
    ...change,
  };
}
