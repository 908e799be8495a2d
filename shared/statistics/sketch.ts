import { DDSketch } from '@datadog/sketches-js';
import type { Sketched } from './quantile.ts';

const relativeAccuracy = 0.01;

/**
 * A sketch of numbers that were counted by value: DDSketch (Masson, Rim and Lee, VLDB 2019), whose quantiles are right to
 * one hundredth. Sketches of parts merge by adding their counts.
 *
 * @param counts each value, not negative, and how many had it
 * @param units independent units behind them
 * @param rounding largest relative error of the values themselves
 * @throws {RangeError} when a value or a count is negative or not finite
 */
export function sketchOf(
  counts: Iterable<readonly [value: number, count: number]>,
  units: number,
  rounding: number,
): Sketched {
  const sketch = new DDSketch({ relativeAccuracy });
  for (const [value, count] of counts) {
    if (!(value >= 0 && count >= 0 && Number.isFinite(value) && Number.isFinite(count))) {
      throw new RangeError(`Cannot sketch ${count} times ${value}: both must be finite and not negative`);
    }
    sketch.accept(value, count);
  }
  return { sketch, units, relativeAccuracy: relativeAccuracy + rounding };
}
