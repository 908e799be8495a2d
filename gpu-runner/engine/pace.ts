/** How fast training goes and where its losses are, from what was seen lately. */
export interface Pace {
  /** Over the last `recent` steps: a machine that became busy shows at once. */
  readonly stepsPerSecond: number;
  /** Until the last step, at that speed. */
  readonly etaMs: number;
  /** Running means of the losses, one an objective: single batches scatter. */
  readonly smoothed: readonly number[];
}

const recent = 32;
/** A loss counts for a half after about 14 steps. */
const smoothing = 0.95;

/**
 * Follows a run of `steps` from the time `startedMs`. A run that resumes begins anew: what it saw before is not kept.
 *
 * @returns what to call after every step, with the steps done in all, its losses and the time
 */
export function followPace(
  steps: number,
  startedMs: number,
): (step: number, losses: readonly number[], nowMs: number) => Pace {
  const times = [startedMs];
  let sums: readonly number[] = [];
  let weight = 0;
  return (step, losses, nowMs) => {
    times.push(nowMs);
    if (times.length > recent + 1) times.shift();
    sums = losses.map((loss, index) => smoothing * (sums[index] ?? 0) + (1 - smoothing) * loss);
    weight = smoothing * weight + (1 - smoothing);
    // At least a microsecond a step, so that the first is not infinitely fast by a coarse clock.
    const elapsedMs = Math.max(nowMs - (times[0] ?? startedMs), 1e-3 * (times.length - 1));
    const stepsPerSecond = (1000 * (times.length - 1)) / elapsedMs;
    return {
      stepsPerSecond,
      etaMs: (1000 * (steps - step)) / stepsPerSecond,
      smoothed: sums.map((sum) => sum / weight),
    };
  };
}
