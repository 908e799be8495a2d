import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';
import { canBecome, slotCount, type ExperimentState } from '../../../../../shared/experiment.ts';
import type { Point, Range } from '../../charts/extent.ts';
import type { IntervalRow } from '../../charts/rows.ts';

/** A difference of shares in points: "+0.45", with a true minus. */
export function formatPoints(difference: number, decimals = 2): string {
  const digits = Math.abs(100 * difference).toFixed(decimals);
  return Number(digits) === 0 ? digits : `${difference < 0 ? '−' : '+'}${digits}`;
}

/** A relative change as a factor: 0.6 for two fifths less. */
export const formatFactor = (change: number): string => `× ${(1 + change).toFixed(3)}`;

/** How a verdict is coloured. */
export const verdictTone = (
  verdict: ExperimentReport['tasks'][number]['verdict'],
): 'good' | 'bad' | 'neutral' =>
  verdict === 'non-inferior' ? 'good' : verdict === 'inferior' ? 'bad' : 'neutral';

/** What the rule would do now, as people say it. */
export const actionWords: Readonly<Record<ExperimentReport['action']['kind'], string>> = {
  'roll-back': 'would roll back',
  hold: 'holds: the numbers are doubtful',
  advance: 'would widen the ramp',
  ship: 'would decide for the winner',
  'keep-running': 'lets it run on',
};

/** One line a comparison for the drawing of intervals. */
export const intervalRows = ({ tasks }: Pick<ExperimentReport, 'tasks'>): IntervalRow[] =>
  tasks.map(({ task, arm, difference, interval, margin, verdict }) => ({
    label: `${task}: ${arm}`,
    value: difference,
    low: interval.low,
    high: interval.high,
    margin,
    tone: verdictTone(verdict),
  }));

export interface Course {
  readonly points: readonly Point[];
  readonly band: readonly Range[];
}

/** How a comparison went while units came: difference and interval against the units of all arms. */
export function courseOf({ curve }: Pick<ExperimentReport, 'curve'>, arm: string, task: string): Course {
  const places = curve.flatMap(({ units, comparisons }) => {
    const one = comparisons.find((each) => each.arm === arm && each.task === task);
    const x = Object.values(units).reduce((sum, count) => sum + count, 0);
    return one === undefined || one.value === null ? [] : [{ x, ...one }];
  });
  return {
    points: places.map(({ x, value }) => ({ x, y: value })),
    band: places.map(({ x, low, high }) => ({ x, low, high })),
  };
}

export interface SplitRow {
  readonly arm: string;
  readonly units: number;
  /** Of the units of the phase, 0 to 1; null while there are none. */
  readonly share: number | null;
  /** By the weights. */
  readonly designed: number;
}

/** Units of each arm in a phase against what the weights say. */
export function splitRows(
  phase: Pick<ExperimentReport['phases'][number], 'units'>,
  arms: readonly { readonly name: string; readonly weight: number }[],
): SplitRow[] {
  const all = Object.values(phase.units).reduce((sum, count) => sum + count, 0);
  return arms.map(({ name, weight }) => {
    const units = phase.units[name] ?? 0;
    return { arm: name, units, share: all === 0 ? null : units / all, designed: weight / slotCount };
  });
}

/** What to distrust, in sentences; empty: nothing. */
export function doubts(
  report: Pick<ExperimentReport, 'phases' | 'multipleExposure' | 'missingOutcomes'>,
): string[] {
  const told: string[] = [];
  for (const { phase, alarm, pValue } of report.phases)
    if (alarm) told.push(`Phase ${phase}: units are not split as designed (p = ${pValue.toExponential(1)}).`);
  if (report.multipleExposure.alarm)
    told.push(`${report.multipleExposure.units} units met more than one arm: the unit is not stable.`);
  for (const [task, { alarm, pValue }] of Object.entries(report.missingOutcomes))
    if (alarm)
      told.push(
        `Outcomes of "${task}" get lost in one arm more than in the other (p = ${pValue.toExponential(1)}).`,
      );
  return told;
}

export interface Moves {
  readonly start: boolean;
  readonly pause: boolean;
  readonly decide: boolean;
  readonly rollBack: boolean;
  readonly archive: boolean;
}

/** What can be done in a state. */
export const movesOf = (state: ExperimentState): Moves => ({
  start: canBecome(state, 'running'),
  pause: canBecome(state, 'paused'),
  decide: canBecome(state, 'decided'),
  rollBack: canBecome(state, 'rolled-back'),
  archive: canBecome(state, 'archived'),
});

const costNames: Readonly<Record<string, string>> = {
  latencyMs: 'Latency of a request, mean',
  computeMs: 'of it, trunk and heads',
  heapBytes: 'ONNX Runtime heap',
  bytesLoaded: 'Bytes loaded',
  errors: 'Errors a request',
};
export const costName = (cost: string): string => costNames[cost] ?? cost;
