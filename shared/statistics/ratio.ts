import { nothingKnown, refuseInfinite, type Estimate } from './estimate.ts';

/**
 * What a ratio of means needs, where units differ in how much they did: rewards over outcomes (accuracy), errors over
 * requests, milliseconds or bytes over requests. Each unit gives one pair (numerator x, denominator y), its own sums.
 * Requests of one unit are not independent; taking them as such would make intervals too narrow. Merges by addition.
 */
export interface RatioSums {
  readonly units: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

export const noRatio: RatioSums = { units: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };

/** @throws {RangeError} when a number is not finite or a denominator is negative */
export function ratioSumsOf(pairs: Iterable<readonly [x: number, y: number]>): RatioSums {
  let sums = noRatio;
  for (const [x, y] of pairs) {
    refuseInfinite('a unit', x, y);
    if (y < 0)
      throw new RangeError(`Cannot summarise a unit: its denominator is ${y}, it must not be negative`);
    sums = mergeRatios(sums, { units: 1, x, y, xx: x * x, xy: x * y, yy: y * y });
  }
  return sums;
}

export const mergeRatios = (a: RatioSums, b: RatioSums): RatioSums => ({
  units: a.units + b.units,
  x: a.x + b.x,
  y: a.y + b.y,
  xx: a.xx + b.xx,
  xy: a.xy + b.xy,
  yy: a.yy + b.yy,
});

/**
 * `sum x / sum y` with the delta-method variance `mean (x - r y)^2 / (mean y)^2` (Deng, Knoblich and Lu, KDD 2018).
 * With y = 1 everywhere it is the mean and its variance. The variance is a difference of sums; when nothing of it is left,
 * the rounding error itself is taken: too wide an interval, never too narrow a one.
 */
export const ratioOf = (sums: RatioSums): Estimate => estimateOf(sums, 0);

/**
 * A ratio that is a fraction (accuracy, error rate), for which rare events matter: four imaginary average units, two all
 * 0 and two all 1, are added to the variance (not to the value), after Agresti and Coull (1998). Without them an arm
 * that has not erred yet would have no variance, and any difference would look certain.
 *
 * @throws {RangeError} when the sums are not those of fractions
 */
export function fractionOf(sums: RatioSums): Estimate {
  if (!(sums.x >= 0 && sums.x <= sums.y)) {
    throw new RangeError(`Cannot take ${sums.x} of ${sums.y} as a fraction: it must lie between 0 and 1`);
  }
  const r = sums.y > 0 ? sums.x / sums.y : 0;
  return estimateOf(sums, 2 * r * r + 2 * (1 - r) * (1 - r));
}

/** @param imagined squared residuals to add, in units of (mean y)^2 */
function estimateOf({ units, x, y, xx, xy, yy }: RatioSums, imagined: number): Estimate {
  if (units < 2 || y <= 0) return nothingKnown(units);
  const value = x / y;
  const rounding = Number.EPSILON * (xx + value * value * yy);
  const residuals = Math.max(xx - 2 * value * xy + value * value * yy, rounding);
  const meanY = y / units;
  return { units, value, variance: (residuals / (meanY * meanY) + imagined) / (units - 1) };
}
