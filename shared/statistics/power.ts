import { oneSidedWidth } from './confidenceSequence.ts';
import type { Contrast } from './contrast.ts';
import { normalQuantile } from './distributions.ts';

/** More units than any experiment here will see; beyond it the answer is "never". */
const most = 1e12;

export interface Plan {
  readonly alpha: number;
  readonly plannedUnits: number;
  /** Chance of a verdict by then, 0.8 by custom. */
  readonly power: number;
}

/**
 * Units of both arms together until the one-sided bound has passed a line that lies `distance` from the true difference,
 * with probability `power`: the smallest n with `width(n) + z_power sqrt(s2 / n) <= distance`. Stopping at the first
 * look that decides, most experiments need fewer.
 *
 * @param unitVariance s2, n times the squared standard error of the contrast
 * @param distance for non-inferiority: margin + true difference
 * @returns Infinity when there is no distance or no variance is known
 */
export function unitsNeeded(unitVariance: number, distance: number, plan: Plan): number {
  if (!(distance > 0) || !Number.isFinite(unitVariance)) return Infinity;
  const z = normalQuantile(plan.power);
  const decides = (units: number): boolean => {
    const standardError = Math.sqrt(unitVariance / units);
    return oneSidedWidth(standardError, units, plan.alpha, plan.plannedUnits) + z * standardError <= distance;
  };
  let high = 1;
  while (!decides(high)) {
    if (high > most) return Infinity;
    high *= 2;
  }
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (decides(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Units still to come until non-inferiority is shown, if the difference seen so far is the true one; Infinity when it is
 * at or beyond the margin, or nothing is known yet.
 */
export function unitsStillNeeded(contrast: Contrast, margin: number, plan: Plan): number {
  const unitVariance = contrast.standardError ** 2 * contrast.units;
  return Math.max(0, unitsNeeded(unitVariance, margin + contrast.value, plan) - contrast.units);
}

/**
 * s2 of a difference of two fractions before any data: `p (1 - p) (1 / a + 1 / b)`, for arms that get the shares a and b
 * of the units.
 *
 * @throws {RangeError} when a fraction is not between 0 and 1
 */
export function plannedVariance(fraction: number, shareA: number, shareB: number): number {
  for (const value of [fraction, shareA, shareB]) {
    if (!(value > 0 && value < 1))
      throw new RangeError(`Cannot plan with ${value}: it must be between 0 and 1`);
  }
  return fraction * (1 - fraction) * (1 / shareA + 1 / shareB);
}
