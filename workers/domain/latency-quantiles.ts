import type { Experiment } from '../../shared/experiment.ts';
import type { ExperimentReport } from '../../shared/experiment-report.ts';
import { sketchedLatency } from '../../shared/statistics/latencySketch.ts';
import { quantileInterval, quantileLift, type Sketched } from '../../shared/statistics/quantile.ts';
import type { Totals } from '../../shared/statistics/totals.ts';
import type { Database } from '../store/database.ts';
import { countLatencies } from '../store/measurements.ts';
import { finite } from './evaluate-experiment.ts';

/** The median, and the tails people ask for. */
const quantiles = [0.5, 0.9, 0.95, 0.99];

/** Quantiles of the latency of answered requests, by arm, each with an interval that holds however often one looks. */
export async function latencyQuantiles(
  db: Database,
  experiment: Experiment,
  totals: Totals,
): Promise<ExperimentReport['latency']> {
  const { experiment: name, revision, arms, defaultArm, alpha, plannedUnits } = experiment;
  const counts = await countLatencies(db, { experiment: name, revision });
  const sketched = (arm: string): Sketched =>
    sketchedLatency(
      counts.filter((count) => count.arm === arm),
      totals.arms[arm]?.latencyMs.units ?? 0,
    );
  const baseline = sketched(defaultArm);
  return arms.flatMap(({ name: arm }) => {
    const own = sketched(arm);
    return quantiles.map((quantile) => {
      const { value, low, high } = quantileInterval(own, quantile, alpha, plannedUnits);
      const change = arm === defaultArm ? null : quantileLift(own, baseline, quantile, alpha, plannedUnits);
      return {
        arm,
        quantile,
        ms: own.units === 0 ? null : finite(value),
        interval: { low: finite(low), high: finite(high) },
        change: change && { value: finite(change.value), low: finite(change.low), high: finite(change.high) },
      };
    });
  });
}
