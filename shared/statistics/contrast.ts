import type { Estimate } from './estimate.ts';

/** How a candidate differs from the baseline, before any interval. */
export interface Contrast {
  readonly value: number;
  /** Infinite when nothing can be said yet. */
  readonly standardError: number;
  /** Units of both arms together. */
  readonly units: number;
}

/**
 * Units each arm must have before anything is said. The intervals rest on the central limit theorem; on fewer units
 * than this, rare events and long tails break it (the simulations in the tests hold from here on).
 */
export const fewestUnits = 50;

/** `candidate - baseline`, of independent arms. */
export function difference(candidate: Estimate, baseline: Estimate): Contrast {
  return contrast(
    candidate,
    baseline,
    candidate.value - baseline.value,
    candidate.variance / candidate.units + baseline.variance / baseline.units,
  );
}

/**
 * `(candidate - baseline) / baseline`: 0.2 is a fifth more. Its variance is the delta method's,
 * `var(c) / b^2 + var(b) c^2 / b^4`. A baseline of 0 (clocks too coarse for the latency) leaves it unknown.
 *
 * @throws {RangeError} when the baseline is negative
 */
export function lift(candidate: Estimate, baseline: Estimate): Contrast {
  const [c, b] = [candidate.value, baseline.value];
  if (b < 0) throw new RangeError(`Cannot compare with a baseline of ${b}: it must be positive`);
  return contrast(
    candidate,
    baseline,
    (c - b) / b,
    candidate.variance / candidate.units / b ** 2 + (baseline.variance / baseline.units) * (c ** 2 / b ** 4),
  );
}

function contrast(candidate: Estimate, baseline: Estimate, value: number, variance: number): Contrast {
  const units = candidate.units + baseline.units;
  const few = Math.min(candidate.units, baseline.units) < fewestUnits;
  return { value, standardError: few || Number.isNaN(variance) ? Infinity : Math.sqrt(variance), units };
}
