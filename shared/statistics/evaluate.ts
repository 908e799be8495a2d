import { slotRanges } from '../bucketing.ts';
import type { Experiment, Guardrail } from '../experiment.ts';
import { interval, type Interval } from './confidenceSequence.ts';
import { difference, lift, type Contrast } from './contrast.ts';
import type { Estimate } from './estimate.ts';
import { testGuardrail, type GuardrailResult } from './guardrail.ts';
import { multipleExposure, type MultipleExposure } from './multipleExposure.ts';
import { correctedAlpha, nonInferiority, type Verdict } from './nonInferiority.ts';
import { unitsStillNeeded } from './power.ts';
import { fractionOf, noRatio, ratioOf, type RatioSums } from './ratio.ts';
import { missingOutcomes, sampleRatio, type Homogeneity } from './sampleRatio.ts';
import type { ArmTotals, Totals } from './totals.ts';

/** The power that the traffic still needed is stated for: the custom of the field. */
const customaryPower = 0.8;

/** One task of one arm against the default arm. */
export interface Comparison {
  readonly arm: string;
  readonly task: string;
  readonly candidate: Estimate;
  readonly baseline: Estimate;
  readonly contrast: Contrast;
  /** Two-sided, for the report; all comparisons together hold with probability 1 - alpha. */
  readonly interval: Interval;
  /** One-sided bounds, which the verdict rests on. */
  readonly bounds: Interval;
  readonly margin: number;
  readonly verdict: Verdict;
  readonly unitsStillNeeded: number;
}

export interface GuardrailCheck extends GuardrailResult {
  readonly arm: string;
  readonly guardrail: Guardrail;
}

/** What an arm costs against the default arm: -0.4 is two fifths less. Each interval holds by itself. */
export interface CostComparison {
  readonly arm: string;
  readonly cost: string;
  readonly candidate: Estimate;
  readonly baseline: Estimate;
  readonly lift: Contrast;
  readonly interval: Interval;
}

/** Everything that is known about an experiment at one moment; decisions and reports are made of it. */
export interface Evaluation {
  readonly totals: Totals;
  readonly sampleRatio: Homogeneity;
  readonly multiple: MultipleExposure;
  /** By task. */
  readonly missing: Readonly<Record<string, Homogeneity>>;
  readonly comparisons: readonly Comparison[];
  readonly guardrails: readonly GuardrailCheck[];
  readonly costs: readonly CostComparison[];
}

/**
 * Compares every arm that has slots with the default arm. Verdicts share `alpha` among tasks and arms, guardrails share
 * another `alpha` among theirs: a wrong verdict and a needless roll-back are different mistakes.
 *
 * @throws {RangeError} when an arm of the experiment has no totals
 */
export function evaluate(experiment: Experiment, totals: Totals): Evaluation {
  const { arms, defaultArm, coverage, margins, guardrails, alpha, plannedUnits } = experiment;
  const all = arms.map((arm) => totalsOf(totals, arm.name));
  const units = all.map((arm) => arm.units);
  const slots = slotRanges(
    arms.map((arm) => arm.weight),
    coverage,
  ).map(({ start, end }) => end - start);
  const baseline = totalsOf(totals, defaultArm);
  const candidates = arms
    .filter((arm) => arm.name !== defaultArm && arm.weight > 0)
    .map(({ name }) => ({ name, own: totalsOf(totals, name) }));
  const tasks = Object.keys(margins);
  const verdictAlpha = correctedAlpha(alpha, Math.max(1, candidates.length * tasks.length));
  const guardrailAlpha = correctedAlpha(alpha, Math.max(1, candidates.length * guardrails.length));
  return {
    totals,
    sampleRatio: sampleRatio(
      all.map((arm) => arm.phaseUnits),
      slots,
    ),
    multiple: multipleExposure(
      totals.multipleUnits,
      units.reduce((sum, count) => sum + count, 0),
    ),
    missing: Object.fromEntries(
      tasks.map((task) => [
        task,
        missingOutcomes(
          // Units and outcomes may be counted a moment apart: no more can have answered than there are.
          all.map((arm) => Math.min(arm.units, rewards(arm, task).units)),
          units,
        ),
      ]),
    ),
    comparisons: candidates.flatMap(({ name, own }) =>
      Object.entries(margins).map(([task, margin]) => ({
        arm: name,
        ...compareTask(task, margin, own, baseline, verdictAlpha, plannedUnits),
      })),
    ),
    guardrails: candidates.flatMap(({ name, own }) =>
      guardrails.map((guardrail) => ({
        arm: name,
        guardrail,
        ...testGuardrail(guardrail, own, baseline, guardrailAlpha, plannedUnits),
      })),
    ),
    costs: candidates.flatMap(({ name, own }) =>
      compareCosts(own, baseline, alpha, plannedUnits).map((cost) => ({ arm: name, ...cost })),
    ),
  };
}

function compareTask(
  task: string,
  margin: number,
  candidate: ArmTotals,
  baseline: ArmTotals,
  alpha: number,
  plannedUnits: number,
): Omit<Comparison, 'arm'> {
  const own = fractionOf(rewards(candidate, task));
  const against = fractionOf(rewards(baseline, task));
  const contrast = difference(own, against);
  return {
    task,
    candidate: own,
    baseline: against,
    contrast,
    interval: interval(contrast, alpha, plannedUnits),
    margin,
    ...nonInferiority(contrast, margin, alpha, plannedUnits),
    unitsStillNeeded: unitsStillNeeded(contrast, margin, { alpha, plannedUnits, power: customaryPower }),
  };
}

/** Latency and every other cost that the default arm measured. */
function compareCosts(
  candidate: ArmTotals,
  baseline: ArmTotals,
  alpha: number,
  plannedUnits: number,
): Omit<CostComparison, 'arm'>[] {
  const compared = (cost: string, own: RatioSums, theirs: RatioSums): Omit<CostComparison, 'arm'> => {
    const [mean, against] = [ratioOf(own), ratioOf(theirs)];
    const contrast = lift(mean, against);
    return {
      cost,
      candidate: mean,
      baseline: against,
      lift: contrast,
      interval: interval(contrast, alpha, plannedUnits),
    };
  };
  return [
    compared('latencyMs', candidate.latencyMs, baseline.latencyMs),
    ...Object.entries(baseline.costs).map(([cost, sums]) =>
      compared(cost, candidate.costs[cost] ?? noRatio, sums),
    ),
  ];
}

const rewards = (arm: ArmTotals, task: string): RatioSums => arm.tasks[task] ?? noRatio;

function totalsOf(totals: Totals, arm: string): ArmTotals {
  const found = totals.arms[arm];
  if (!found) throw new RangeError(`Cannot evaluate the experiment: arm "${arm}" has no totals`);
  return found;
}
