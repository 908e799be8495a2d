import type { Experiment } from '../experiment.ts';
import type { Comparison, Evaluation, GuardrailCheck } from './evaluate.ts';

/** What to do with an experiment now, and why, in a sentence for the audit log. */
export type Action = { readonly reason: string } & (
  | { readonly kind: 'roll-back' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'advance'; readonly coverage: number }
  | { readonly kind: 'ship'; readonly arm: string }
  | { readonly kind: 'keep-running' }
);

/**
 * The rule that decides without a person, from safest to boldest: roll back what does harm, even on doubtful numbers;
 * hold while numbers cannot be trusted or are missing; widen the ramp; ship at its end what is as good on every task;
 * roll back what cannot win; else go on.
 */
export function decide(experiment: Experiment, evaluation: Evaluation): Action {
  const { state, coverage, ramp, arms, defaultArm } = experiment;
  if (state !== 'running') return { kind: 'hold', reason: `The experiment is ${state}.` };

  const breach = evaluation.guardrails.find((one) => one.breached);
  if (breach) return { kind: 'roll-back', reason: breachReason(breach, defaultArm) };

  const distrust = distrustReason(evaluation);
  if (distrust !== null) return { kind: 'hold', reason: distrust };

  const candidates = arms.filter((arm) => arm.name !== defaultArm && arm.weight > 0).map((arm) => arm.name);
  const of = (arm: string): Comparison[] => evaluation.comparisons.filter((one) => one.arm === arm);
  const inferior = candidates.map((arm) => of(arm).find((one) => one.verdict === 'inferior'));
  const lost = inferior.filter((one) => one !== undefined);
  if (lost.length > 0 && lost.length === candidates.length) {
    return { kind: 'roll-back', reason: lost.map((one) => inferiorReason(one, defaultArm)).join(' ') };
  }

  const gathering = gatheringReason(experiment, evaluation);
  if (gathering !== null) return gathering;

  const next = ramp.steps.find((step) => step > coverage);
  if (next !== undefined) {
    const reason = `Every arm gained ${ramp.minUnits} units at ${percent(coverage)} and no guardrail is breached.`;
    return { kind: 'advance', coverage: next, reason };
  }

  const winners = candidates.filter((arm) => of(arm).every((one) => one.verdict === 'non-inferior'));
  const best = fastest(winners, evaluation);
  if (best !== undefined) return { kind: 'ship', arm: best, reason: shipReason(of(best), best, defaultArm) };

  return { kind: 'keep-running', reason: undecidedReason(evaluation.comparisons) };
}

/** Why the numbers cannot be trusted, or null. */
function distrustReason({ sampleRatio, multiple, missing }: Evaluation): string | null {
  if (sampleRatio.alarm) {
    return `Sample-ratio mismatch: the arms' units do not fit their slots (p = ${small(sampleRatio.pValue)}).`;
  }
  if (multiple.alarm) {
    return `Multiple exposure: ${multiple.units} units (${percent(multiple.share)}) met more than one arm.`;
  }
  for (const [task, { alarm, pValue }] of Object.entries(missing)) {
    if (alarm)
      return `Missing data: outcomes of ${task} get lost in one arm more than another (p = ${small(pValue)}).`;
  }
  return null;
}

/**
 * What is still to come before the next step, or null: units (keep running), or what was to be measured of those there
 * are (hold): outcomes, and whatever a guardrail watches, which sees nothing without it.
 */
function gatheringReason(experiment: Experiment, { totals }: Evaluation): Action | null {
  const { arms, ramp, margins, guardrails } = experiment;
  const weighted = arms
    .filter((arm) => arm.weight > 0)
    .map((arm) => ({ ...arm, totals: totals.arms[arm.name] }));
  for (const arm of weighted) {
    const units = arm.totals?.phaseUnits ?? 0;
    if (units < ramp.minUnits) {
      const reason = `Arm ${arm.name} has ${units} new units at this coverage, ${ramp.minUnits} are needed.`;
      return { kind: 'keep-running', reason };
    }
  }
  const watches = (kind: 'errors' | 'latency'): boolean => guardrails.some((one) => one.kind === kind);
  for (const arm of weighted) {
    const measured = new Map(
      Object.keys(margins).map((task) => [`an outcome of ${task}`, arm.totals?.tasks[task]?.units ?? 0]),
    );
    if (watches('errors')) measured.set('an error count', arm.totals?.errors.units ?? 0);
    if (watches('latency')) measured.set('a latency', arm.totals?.latencyMs.units ?? 0);
    for (const [what, units] of measured) {
      if (units < ramp.minUnits) {
        const reason = `Missing data: ${units} units of arm ${arm.name} have ${what}, ${ramp.minUnits} are needed.`;
        return { kind: 'hold', reason };
      }
    }
  }
  return null;
}

/** The arm with the lowest mean latency; the first when none was measured. */
function fastest(arms: readonly string[], { costs }: Evaluation): string | undefined {
  const latency = (arm: string): number => {
    const mean = costs.find((one) => one.arm === arm && one.cost === 'latencyMs')?.candidate.value;
    return mean === undefined || Number.isNaN(mean) ? Infinity : mean;
  };
  return arms.toSorted((a, b) => Math.sign(latency(a) - latency(b)) || 0)[0];
}

function breachReason({ arm, guardrail, atLeast, limit, harm }: GuardrailCheck, defaultArm: string): string {
  const what = { errors: 'more errors', latency: 'more latency', accuracy: 'less accuracy' }[guardrail.kind];
  const task = guardrail.kind === 'accuracy' ? ` on ${guardrail.task}` : '';
  return (
    `Guardrail breached: arm ${arm} has at least ${percent(atLeast)} ${what}${task} than ${defaultArm}, ` +
    `${percent(limit)} is allowed (${harm.units} units measured).`
  );
}

const inferiorReason = ({ arm, task, bounds, margin }: Comparison, defaultArm: string): string =>
  `Arm ${arm} is worse than ${defaultArm} on ${task} by at least ${percent(-bounds.high)}, more than the margin of ${percent(margin)}.`;

function shipReason(comparisons: readonly Comparison[], arm: string, defaultArm: string): string {
  const tasks = comparisons.map(
    ({ task, bounds, margin }) =>
      `${task} (at most ${percent(Math.max(0, -bounds.low))} worse, margin ${percent(margin)})`,
  );
  return `Arm ${arm} is not inferior to ${defaultArm} on ${tasks.join(' and ')}.`;
}

function undecidedReason(comparisons: readonly Comparison[]): string {
  const open = comparisons.filter((one) => one.verdict === 'undecided');
  const needs = open.map(({ arm, task, unitsStillNeeded: units }) =>
    Number.isFinite(units)
      ? `${task} of arm ${arm} needs about ${units} more units`
      : `${task} of arm ${arm} lies at or beyond its margin`,
  );
  return needs.length > 0 ? `Undecided: ${needs.join(', ')}.` : 'Undecided: no arm is as good on every task.';
}

/** A fraction as a percentage with two decimals at most: 0.0123 is `1.23 %`. */
const percent = (fraction: number): string => `${Number((100 * fraction).toFixed(2))} %`;
const small = (pValue: number): string => pValue.toPrecision(2);
