import { slotRanges } from '../../shared/bucketing.ts';
import { TrunklineError } from '../../shared/errors.ts';
import type { Experiment } from '../../shared/experiment.ts';
import type { ExperimentReport } from '../../shared/experiment-report.ts';
import type { Interval } from '../../shared/statistics/confidenceSequence.ts';
import type { Estimate } from '../../shared/statistics/estimate.ts';
import type { Evaluation } from '../../shared/statistics/evaluate.ts';
import { sampleRatio } from '../../shared/statistics/sampleRatio.ts';
import { listEvaluations } from '../store/evaluations.ts';
import { findExperiment } from '../store/experiments.ts';
import { countRequests, sumAgreement, sumShadows, type RequestCount } from '../store/measurements.ts';
import type { Stores } from '../store/stores.ts';
import { armSize, type ArmSize } from './arm-size.ts';
import { finite, judge, type Judged } from './evaluate-experiment.ts';
import { latencyQuantiles } from './latency-quantiles.ts';
import type { PhaseUnits } from './measure.ts';

/**
 * How an experiment stands: the verdict, the tables, what was saved, and what to distrust. Changes nothing.
 *
 * @throws {TrunklineError} `not-found`; `unavailable` when a manifest cannot be read
 */
export async function reportExperiment(stores: Stores, name: string, at: string): Promise<ExperimentReport> {
  const row = await findExperiment(stores.db, name);
  if (row === undefined) throw new TrunklineError('not-found', `There is no experiment "${name}".`);
  const { document } = row;
  const { endpoint, state, version, revision, coverage, decision, defaultArm } = document;
  const of = { experiment: name, revision };
  const judged = await judge(stores, document);
  const { evaluation, action } = judged;
  const sizes = new Map<string, ArmSize>();
  for (const arm of document.arms) sizes.set(arm.name, await armSize(stores, arm.tasks));
  const evaluations = await listEvaluations(stores.db, name, revision);
  return {
    ...{ experiment: name, endpoint, state, version, revision, coverage, at },
    verdict: sentence(document, judged),
    action,
    ...{ decision, defaultArm },
    units: Object.fromEntries(
      document.arms.map((arm) => [arm.name, evaluation.totals.arms[arm.name]?.units ?? 0]),
    ),
    tasks: taskRows(evaluation),
    costs: evaluation.costs.map(({ arm, cost, baseline, candidate, lift, interval }) => ({
      ...{ arm, cost, baseline: told(baseline), candidate: told(candidate) },
      ...{ change: finite(lift.value), interval: ends(interval) },
    })),
    latency: await latencyQuantiles(stores.db, document, evaluation.totals),
    guardrails: evaluation.guardrails.map(({ arm, guardrail, atLeast, limit, breached }) => ({
      ...{ arm, guardrail, atLeast: finite(atLeast), limit, breached },
    })),
    phases: phaseRows(document, judged.phases),
    multipleExposure: evaluation.multiple,
    missingOutcomes: Object.fromEntries(
      Object.entries(evaluation.missing).map(([task, { pValue, alarm }]) => [task, { pValue, alarm }]),
    ),
    requests: requestRows(await countRequests(stores.db, of)),
    shadows: await shadowRows(stores, of),
    sizes: Object.fromEntries(sizes),
    saved: document.arms
      .filter((arm) => arm.name !== defaultArm)
      .map((arm) => savedBy(arm.name, sizes.get(arm.name), sizes.get(defaultArm), evaluation)),
    curve: evaluations.map(({ at, version, action, reason, figures }) => ({
      ...{ at, version, action, reason },
      ...figures,
    })),
  };
}

function sentence({ state, decision }: Experiment, { action }: Judged): string {
  if (decision === null) return action.reason;
  const by = decision.by === 'rule' ? 'by the rule' : 'by a person';
  const what = state === 'rolled-back' ? `Rolled back to ${decision.arm}` : `Decided for ${decision.arm}`;
  return `${what} ${by}: ${decision.reason}`;
}

const told = ({ value, units }: Estimate) => ({ value: finite(value), units });
const ends = ({ low, high }: Interval) => ({ low: finite(low), high: finite(high) });

const taskRows = ({ comparisons }: Evaluation): ExperimentReport['tasks'] =>
  comparisons.map(({ task, arm, baseline, candidate, contrast, interval, bounds, ...rest }) => ({
    ...{ task, arm, baseline: told(baseline), candidate: told(candidate) },
    ...{ difference: finite(contrast.value), interval: ends(interval), bounds: ends(bounds) },
    ...{ margin: rest.margin, verdict: rest.verdict, unitsStillNeeded: finite(rest.unitsStillNeeded) },
  }));

/** Every phase of the current revision, those without a unit too. */
function phaseRows(
  { phases, revision, arms }: Experiment,
  counted: PhaseUnits[],
): ExperimentReport['phases'] {
  return phases.flatMap((one, i) => {
    if (one.revision !== revision) return [];
    const { coverage, weights, startedAt, endedAt } = one;
    const ranges = slotRanges(
      arms.map((arm) => weights[arm.name] ?? 0),
      coverage,
    );
    const units = arms.map((arm) => counted.find(({ phase }) => phase === i + 1)?.units[arm.name] ?? 0);
    const { pValue, alarm } = sampleRatio(
      units,
      ranges.map(({ start, end }) => end - start),
    );
    const named = Object.fromEntries(arms.map((arm, at) => [arm.name, units[at] ?? 0]));
    return [{ phase: i + 1, coverage, startedAt, endedAt, units: named, pValue, alarm }];
  });
}

/** One row an arm and reason, with the errors beside. */
function requestRows(counts: RequestCount[]): ExperimentReport['requests'] {
  const rows = new Map<string, ExperimentReport['requests'][number]>();
  for (const { arm, reason, error, cold, requests } of counts) {
    const key = `${arm} ${reason}`;
    const row = rows.get(key) ?? { arm, reason, requests: 0, cold: 0, errors: {} };
    row.requests += requests;
    row.cold += cold;
    if (error !== null) row.errors[error] = requests;
    rows.set(key, row);
  }
  return [...rows.values()];
}

async function shadowRows(
  { db }: Stores,
  of: { experiment: string; revision: number },
): Promise<ExperimentReport['shadows']> {
  const agreement = await sumAgreement(db, of);
  return (await sumShadows(db, of)).map((run) => ({
    ...run,
    tasks: agreement
      .filter(({ arm, shadow }) => arm === run.arm && shadow === run.shadow)
      .map(({ task, samples, classified, top1Matches, maxDifference, kl }) => ({
        ...{ task, samples, maxDifference, meanKl: kl },
        top1Agreement: classified === 0 ? null : top1Matches / classified,
      })),
  }));
}

function savedBy(
  arm: string,
  own: ArmSize | undefined,
  standard: ArmSize | undefined,
  { costs }: Evaluation,
): ExperimentReport['saved'][number] {
  const less = (of: 'bytes' | 'macs' | 'parameters'): number | null =>
    own === undefined || standard === undefined ? null : finite(1 - own[of] / standard[of]);
  const measured = (cost: string): number | null => {
    const change = costs.find((one) => one.arm === arm && one.cost === cost)?.lift.value ?? NaN;
    // Not -change: nothing saved is 0, never -0.
    return finite(0 - change);
  };
  return {
    arm,
    ...{ bytes: less('bytes'), macs: less('macs'), parameters: less('parameters') },
    measuredLatency: measured('latencyMs'),
    measuredHeap: measured('heapBytes'),
    measuredBytesLoaded: measured('bytesLoaded'),
  };
}
