import { nothingKnown, refuseInfinite, type Estimate } from './estimate.ts';

/** What a mean and its error need of one number a unit. Sums merge by addition: in SQL, `COUNT, SUM(x), SUM(x * x)`. */
export interface Moments {
  readonly units: number;
  readonly sum: number;
  readonly sumSquares: number;
}

export const noMoments: Moments = { units: 0, sum: 0, sumSquares: 0 };

/** @throws {RangeError} when a value is not finite */
export function momentsOf(values: Iterable<number>): Moments {
  let [units, sum, sumSquares] = [0, 0, 0];
  for (const value of values) {
    refuseInfinite('a unit', value);
    units += 1;
    sum += value;
    sumSquares += value * value;
  }
  return { units, sum, sumSquares };
}

export const mergeMoments = (a: Moments, b: Moments): Moments => ({
  units: a.units + b.units,
  sum: a.sum + b.sum,
  sumSquares: a.sumSquares + b.sumSquares,
});

/**
 * Mean and sample variance (divisor n - 1).
 *
 * The variance is a difference of sums and loses about mean^2 / variance in relative precision. When nothing of it is
 * left, the rounding error itself is returned: too wide an interval, never too narrow a one.
 */
export function meanOf({ units, sum, sumSquares }: Moments): Estimate {
  if (units < 2) return nothingKnown(units);
  const value = sum / units;
  const rounding = Number.EPSILON * sumSquares;
  const variance = Math.max(sumSquares - sum * value, rounding) / (units - 1);
  return { units, value, variance };
}
