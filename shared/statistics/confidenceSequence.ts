import type { Contrast } from './contrast.ts';

/*
 * Asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024,
 * "Time-uniform central limit theory and asymptotic confidence sequences"): intervals that hold at every number of
 * units at once, so that one may look at any time, as often as one likes, and stop when one likes.
 */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The mixture parameter that makes a two-sided interval tightest at `plannedUnits`:
 * `rho = sqrt((-2 ln a + ln(-2 ln a + 1)) / N)`. It changes where an interval is tight, never whether it is valid.
 */
function mixture(alpha: number, plannedUnits: number): number {
  const twice = -2 * Math.log(alpha);
  return Math.sqrt((twice + Math.log(twice + 1)) / plannedUnits);
}

/**
 * Half-width of the two-sided interval: `SE sqrt(n) sqrt(2 (n rho^2 + 1) ln(sqrt(n rho^2 + 1) / a) / (n rho)^2)`.
 *
 * @param alpha chance that the interval ever misses the true value
 * @param plannedUnits units of both arms at which it is tightest
 */
export function halfWidth(standardError: number, units: number, alpha: number, plannedUnits: number): number {
  refuseAlpha(alpha, 1);
  const rho = mixture(alpha, plannedUnits);
  const grown = units * rho ** 2 + 1;
  return scaled(standardError, units, rho, grown, Math.log(Math.sqrt(grown) / alpha));
}

/**
 * Distance of the one-sided bound from the estimate: the mixture for `2 a`, and `ln(1 + sqrt(n rho^2 + 1) / (2 a))`.
 *
 * @param alpha chance that the bound is ever on the wrong side of the true value
 */
export function oneSidedWidth(
  standardError: number,
  units: number,
  alpha: number,
  plannedUnits: number,
): number {
  refuseAlpha(alpha, 0.5);
  const rho = mixture(2 * alpha, plannedUnits);
  const grown = units * rho ** 2 + 1;
  return scaled(standardError, units, rho, grown, Math.log1p(Math.sqrt(grown) / (2 * alpha)));
}

function scaled(standardError: number, units: number, rho: number, grown: number, log: number): number {
  if (!Number.isFinite(standardError) || units <= 0) return Infinity;
  return (standardError * Math.sqrt(units * 2 * grown * log)) / (units * rho);
}

function refuseAlpha(alpha: number, below: number): void {
  if (!(alpha > 0 && alpha < below)) {
    throw new RangeError(`Cannot give an interval at alpha ${alpha}: it must be above 0 and below ${below}`);
  }
}

/** Holds the true value at every number of units at once, with probability 1 - `alpha`. */
export function interval(
  { value, standardError, units }: Contrast,
  alpha: number,
  planned: number,
): Interval {
  return around(value, halfWidth(standardError, units, alpha, planned));
}

/** Each side alone holds at every number of units at once, with probability 1 - `alpha`; both together 1 - 2 `alpha`. */
export function bounds({ value, standardError, units }: Contrast, alpha: number, planned: number): Interval {
  return around(value, oneSidedWidth(standardError, units, alpha, planned));
}

const around = (value: number, width: number): Interval =>
  width === Infinity ? { low: -Infinity, high: Infinity } : { low: value - width, high: value + width };
