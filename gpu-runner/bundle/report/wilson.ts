import { normalQuantile } from '../../../shared/statistics/distributions.ts';

/** The two ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval of a share (Wilson 1927): of all true shares, those that `right` of `samples` do not contradict.
 * Unlike the normal one it stays within 0 and 1, and holds near them.
 *
 * @param confidence default 0.95
 * @throws {RangeError} unless 0 <= right <= samples, and samples are at least one
 */
export function wilsonInterval(right: number, samples: number, confidence = 0.95): Interval {
  if (!(samples >= 1 && right >= 0 && right <= samples))
    throw new RangeError(`Cannot take ${right} of ${samples} samples as a share`);
  const z = normalQuantile((1 + confidence) / 2);
  const share = right / samples;
  const spread = (z * z) / samples;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / samples + spread / (4 * samples));
  // Exactly 0 and 1 at the ends, whatever rounding says.
  return {
    low: right === 0 ? 0 : Math.max(0, centre - half),
    high: right === samples ? 1 : Math.min(1, centre + half),
  };
}
