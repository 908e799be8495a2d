import type { Experiment } from '../../shared/experiment.ts';
import { noRatio, type RatioSums } from '../../shared/statistics/ratio.ts';
import type { ArmTotals, Totals } from '../../shared/statistics/totals.ts';
import type { Database } from '../store/database.ts';
import { countUnits, sumOutcomes, sumRequests, type MetricSums } from '../store/measurements.ts';

/** Units by arm, one row a phase they were first seen in. */
export interface PhaseUnits {
  phase: number;
  units: Record<string, number>;
}

export interface Measured {
  totals: Totals;
  /** Of the current revision, oldest first. */
  phases: PhaseUnits[];
}

/** The costs that are compared beside latency, over answered requests: see `sumRequests()`. */
const costs = ['computeMs', 'bytesLoaded', 'heapBytes'];

/** Everything the analysis looks at, of the units of the experiment's current revision. */
export async function measure(db: Database, experiment: Experiment): Promise<Measured> {
  const of = { experiment: experiment.experiment, revision: experiment.revision };
  const counts = await countUnits(db, of);
  const requests = sumsByArm(await sumRequests(db, of));
  const outcomes = sumsByArm(await sumOutcomes(db, of));
  const current = experiment.phases.length;

  const unitsOf = (arm: string, phase?: number): number =>
    counts
      .filter((count) => count.arm === arm && (phase === undefined || count.phase === phase))
      .reduce((sum, count) => sum + count.units, 0);
  // A clock that stands still during a request measures nothing, and nothing can be a multiple of nothing.
  const standard = requests.get(experiment.defaultArm);
  const measured = (metric: string): boolean => (standard?.get(metric)?.x ?? 0) > 0;

  const arms = experiment.arms.map(({ name }): [string, ArmTotals] => {
    const own = (metric: string): RatioSums => requests.get(name)?.get(metric) ?? noRatio;
    const totals = {
      units: unitsOf(name),
      phaseUnits: unitsOf(name, current),
      errors: own('errors'),
      latencyMs: measured('latencyMs') ? own('latencyMs') : noRatio,
      tasks: Object.fromEntries(outcomes.get(name) ?? []),
      costs: Object.fromEntries(costs.filter(measured).map((cost) => [cost, own(cost)])),
    };
    return [name, totals];
  });
  const multipleUnits = counts
    .filter((count) => count.arm === null)
    .reduce((sum, { units }) => sum + units, 0);
  return {
    totals: { arms: Object.fromEntries(arms), multipleUnits },
    phases: [...new Set(counts.map((count) => count.phase))].map((phase) => ({
      phase,
      units: Object.fromEntries(experiment.arms.map(({ name }) => [name, unitsOf(name, phase)])),
    })),
  };
}

function sumsByArm(rows: readonly MetricSums[]): Map<string, Map<string, RatioSums>> {
  const byArm = new Map<string, Map<string, RatioSums>>();
  for (const { arm, metric, units, x, y, xx, xy, yy } of rows) {
    const metrics = byArm.get(arm) ?? new Map<string, RatioSums>();
    metrics.set(metric, { units, x, y, xx, xy, yy });
    byArm.set(arm, metrics);
  }
  return byArm;
}
