import { halfWidth, type Interval } from './confidenceSequence.ts';
import { fewestUnits } from './contrast.ts';

/** A summary of many numbers that answers quantiles, such as a DDSketch. */
export interface QuantileSketch {
  readonly count: number;
  getValueAtQuantile(quantile: number): number;
}

/** What a sketch was made of. */
export interface Sketched {
  readonly sketch: QuantileSketch;
  /** Independent units behind its numbers: requests of one unit are not independent. */
  readonly units: number;
  /** Largest relative error of its answers. */
  readonly relativeAccuracy: number;
}

/**
 * A quantile of positive numbers with an interval that holds at every number of units at once. The fraction of numbers
 * below the true q-quantile is a mean around q with variance q (1 - q); its confidence sequence gives two ranks, and the
 * sketch their values (Howard and Ramdas, Bernoulli 2022, with the asymptotic boundary). Taking units for the sample
 * size is exact for one number a unit and too wide for more. The sketch's own error widens both ends.
 *
 * @throws {RangeError} unless 0 < quantile < 1
 */
export function quantileInterval(
  { sketch, units, relativeAccuracy }: Sketched,
  quantile: number,
  alpha: number,
  plannedUnits: number,
): Interval & { value: number } {
  if (!(quantile > 0 && quantile < 1)) {
    throw new RangeError(`Cannot take quantile ${quantile}: it must be between 0 and 1`);
  }
  const value = sketch.getValueAtQuantile(quantile);
  if (units < fewestUnits || sketch.count < fewestUnits) return { value, low: 0, high: Infinity };
  const width = halfWidth(Math.sqrt((quantile * (1 - quantile)) / units), units, alpha, plannedUnits);
  const [below, above] = [quantile - width, quantile + width];
  return {
    value,
    low: below <= 0 ? 0 : sketch.getValueAtQuantile(below) / (1 + relativeAccuracy),
    high: above >= 1 ? Infinity : sketch.getValueAtQuantile(above) / (1 - relativeAccuracy),
  };
}

/**
 * `candidate / baseline - 1` of a quantile. Each arm's interval takes half of `alpha`; where both hold, so does the
 * quotient of their ends.
 */
export function quantileLift(
  candidate: Sketched,
  baseline: Sketched,
  quantile: number,
  alpha: number,
  plannedUnits: number,
): Interval & { value: number } {
  const c = quantileInterval(candidate, quantile, alpha / 2, plannedUnits);
  const b = quantileInterval(baseline, quantile, alpha / 2, plannedUnits);
  return {
    value: c.value / b.value - 1,
    low: c.low / b.high - 1,
    high: b.low > 0 ? c.high / b.low - 1 : Infinity,
  };
}
