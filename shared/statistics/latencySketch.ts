import { DDSketch } from '@datadog/sketches-js';
import type { Sketched } from './quantile.ts';

/** Largest relative error of the sketch's answers. */
const sketchAccuracy = 0.01;
/** Latencies are counted rounded to three digits, which moves each by at most this. */
const roundingAccuracy = 0.005;

/** Answered requests that took about `ms`. */
export interface LatencyCount {
  readonly ms: number;
  readonly requests: number;
}

/**
 * A DDSketch (Masson, Rim and Lee, VLDB 2019) of latencies: quantiles to a relative error, whatever the distribution.
 * Sketches of parts (days, regions, phases) merge into exactly the sketch of the whole, by `DDSketch.merge()`.
 *
 * @throws {RangeError} when a latency is negative or infinite, or a count is none
 */
export function sketchOf(counts: Iterable<LatencyCount>): DDSketch {
  const sketch = new DDSketch({ relativeAccuracy: sketchAccuracy });
  for (const { ms, requests } of counts) {
    if (!(ms >= 0 && ms < Infinity && Number.isInteger(requests) && requests > 0)) {
      throw new RangeError(`Cannot sketch ${requests} requests of ${ms} ms`);
    }
    sketch.accept(ms, requests);
  }
  return sketch;
}

/** The sketch with what `quantileInterval()` has to know about it. */
export const sketchedLatency = (counts: Iterable<LatencyCount>, units: number): Sketched => ({
  sketch: sketchOf(counts),
  units,
  relativeAccuracy: (1 + sketchAccuracy) * (1 + roundingAccuracy) - 1,
});
