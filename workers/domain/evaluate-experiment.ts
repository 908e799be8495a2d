import { TrunklineError } from '../../shared/errors.ts';
import type { Experiment } from '../../shared/experiment.ts';
import type { EvaluationView } from '../../shared/experiment-api.ts';
import { decide, type Action } from '../../shared/statistics/decide.ts';
import { evaluate, type Evaluation } from '../../shared/statistics/evaluate.ts';
import { insertEvaluation, lastEvaluation } from '../store/evaluations.ts';
import { findExperiment } from '../store/experiments.ts';
import type { Figures } from '../store/schema.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';
import { viewOfExperiment } from './commit-version.ts';
import { measure, type Measured } from './measure.ts';
import { advanceExperiment, decideExperiment, rollBackExperiment } from './move-experiment.ts';

/** Growth of units after which a curve gets another point: a twentieth, so a curve has about 150 points up to a million. */
const growth = 1.05;

export interface Judged extends Measured {
  evaluation: Evaluation;
  action: Action;
}

/** What the rule says of an experiment now. Changes nothing. */
export async function judge(stores: Stores, experiment: Experiment): Promise<Judged> {
  const measured = await measure(stores.db, experiment);
  const evaluation = evaluate(experiment, measured.totals);
  return { ...measured, evaluation, action: decide(experiment, evaluation) };
}

/**
 * Judges an experiment and does what the rule says: roll back, widen the ramp, ship the winner, or nothing. It acts on
 * the version that it judged: when somebody changes the experiment meanwhile, nothing is done until the next time.
 *
 * @throws {TrunklineError} `not-found`; `conflict` when the experiment was changed at the same time
 */
export async function evaluateExperiment(stores: Stores, name: string, by: Change): Promise<EvaluationView> {
  const row = await findExperiment(stores.db, name);
  if (row === undefined) throw new TrunklineError('not-found', `There is no experiment "${name}".`);
  const judged = await judge(stores, row.document);
  const { kind: action, reason } = judged.action;
  if (row.state !== 'running') return { action, reason, experiment: viewOfExperiment(row) };
  await log(stores, row.document, judged, { ...by, project: row.project });
  const followed = await follow(stores, row.document, judged.action, by);
  return { action, reason, experiment: followed ?? viewOfExperiment(row) };
}

async function follow(stores: Stores, { experiment, version }: Experiment, action: Action, by: Change) {
  const moved = { experiment, from: version };
  const verdict = { reason: action.reason, by: 'rule' } as const;
  switch (action.kind) {
    case 'roll-back':
      return rollBackExperiment(stores, moved, verdict, by);
    case 'advance':
      return advanceExperiment(stores, moved, action.coverage, action.reason, by);
    case 'ship':
      return decideExperiment(stores, moved, action.arm, verdict, by);
    case 'hold':
    case 'keep-running':
      return null;
    default:
      return action satisfies never;
  }
}

/** Keeps what was said when it is new, or units have grown enough for another point of the curve. */
async function log(
  { db }: Stores,
  experiment: Experiment,
  { evaluation, action }: Judged,
  by: Change,
): Promise<void> {
  const last = await lastEvaluation(db, experiment.experiment);
  const figures = figuresOf(evaluation);
  const same = last?.version === experiment.version && last.action === action.kind;
  if (same && total(figures) < growth * total(last.figures)) return;
  const { experiment: subject, revision, version } = experiment;
  const row = {
    experiment: subject,
    revision,
    version,
    at: by.at,
    action: action.kind,
    reason: action.reason,
  };
  const holds = action.kind === 'hold' && !same;
  const entry = {
    ...by,
    action: 'experiment.hold',
    subject,
    detail: { version, reason: action.reason },
  } as const;
  await insertEvaluation(db, { ...row, figures }, holds ? entry : undefined);
}

const total = ({ units }: Figures): number => Object.values(units).reduce((sum, count) => sum + count, 0);

const figuresOf = ({ totals, comparisons }: Evaluation): Figures => ({
  units: Object.fromEntries(Object.entries(totals.arms).map(([arm, { units }]) => [arm, units])),
  comparisons: comparisons.map(({ arm, task, contrast, interval }) => ({
    arm,
    task,
    value: finite(contrast.value),
    low: finite(interval.low),
    high: finite(interval.high),
  })),
});

/** JSON has no infinity: an end that is not known yet is null. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
