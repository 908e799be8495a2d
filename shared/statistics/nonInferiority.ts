import { bounds, type Interval } from './confidenceSequence.ts';
import type { Contrast } from './contrast.ts';

export type Verdict = 'non-inferior' | 'inferior' | 'undecided';

/**
 * Alpha of one comparison so that the chance of any wrong verdict among all stays at most `alpha` (Bonferroni).
 *
 * Not Holm: that rejects more, but gives no intervals, and its steps would have to be proven anew for verdicts that may
 * fall at any time. Bonferroni keeps every interval valid together, at every number of units.
 *
 * @throws {RangeError} unless `comparisons` is a whole number from 1
 */
export function correctedAlpha(alpha: number, comparisons: number): number {
  if (!Number.isInteger(comparisons) || comparisons < 1) {
    throw new RangeError(`Cannot correct alpha for ${comparisons} comparisons`);
  }
  return alpha / comparisons;
}

/**
 * Whether the candidate is worse than the baseline by at most `margin`, decided as soon as a one-sided bound of the
 * difference passes -margin. However often one looks: a candidate worse by `margin` or more is called non-inferior with
 * probability at most `alpha`, and one that is not is called inferior with probability at most `alpha`.
 *
 * @param contrast candidate - baseline, larger is better
 * @param margin largest loss that is acceptable, positive
 * @throws {RangeError} when the margin is not positive
 */
export function nonInferiority(
  contrast: Contrast,
  margin: number,
  alpha: number,
  plannedUnits: number,
): { verdict: Verdict; bounds: Interval } {
  if (!(margin > 0)) throw new RangeError(`Cannot test against a margin of ${margin}: it must be positive`);
  const both = bounds(contrast, alpha, plannedUnits);
  const verdict = both.low > -margin ? 'non-inferior' : both.high < -margin ? 'inferior' : 'undecided';
  return { verdict, bounds: both };
}
