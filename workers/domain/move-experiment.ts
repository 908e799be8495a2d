import { TrunklineError } from '../../shared/errors.ts';
import { canBecome, type Experiment, type ExperimentState } from '../../shared/experiment.ts';
import type { ExperimentView } from '../../shared/experiment-api.ts';
import { findExperiment } from '../store/experiments.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';
import { commitVersion, type Doing } from './commit-version.ts';
import { findUnready } from './find-unready.ts';
import { beginPhase, endPhase } from './phases.ts';
import { refuseOtherVersion } from './save-experiment.ts';

/** Which experiment, and the version it is moved from; undefined: whatever is there. */
export interface Moved {
  experiment: string;
  from?: number | undefined;
}

export interface Verdict {
  reason: string;
  by: 'rule' | 'person';
}

/**
 * Lets a draft or a paused experiment run.
 *
 * @throws {TrunklineError} `conflict` when it cannot run now, as for all moves below: when the table of transitions does
 *   not allow it, it is at another version than `from`, or was changed at the same time. `not-found` without one.
 */
export async function startExperiment(stores: Stores, moved: Moved, by: Change): Promise<ExperimentView> {
  const current = await find(stores, moved, 'start', 'running');
  const next = { ...following(current, 'running'), phases: beginPhase(current, by.at) };
  const why = await findUnready(stores, next);
  if (why !== null) {
    throw new TrunklineError('conflict', `Cannot start experiment "${moved.experiment}": ${why}.`);
  }
  const step = current.state === 'draft' ? 'start' : 'resume';
  return commitVersion(stores, next, { step, reason: null }, by);
}

/** Stops assigning units; the endpoint serves all, which is the default arm. */
export async function pauseExperiment(stores: Stores, moved: Moved, by: Change): Promise<ExperimentView> {
  return end(stores, moved, 'paused', { step: 'pause', reason: null }, by);
}

/** Ends it for good: the endpoint serves `arm` from now on. */
export async function decideExperiment(
  stores: Stores,
  moved: Moved,
  arm: string,
  { reason, by: decider }: Verdict,
  by: Change,
): Promise<ExperimentView> {
  const decision = { arm, reason, by: decider, at: by.at };
  return end(stores, moved, 'decided', { step: 'decide', reason }, by, () => decision);
}

/** Ends it for good: the endpoint goes on serving the default arm. */
export async function rollBackExperiment(
  stores: Stores,
  moved: Moved,
  { reason, by: decider }: Verdict,
  by: Change,
): Promise<ExperimentView> {
  return end(stores, moved, 'rolled-back', { step: 'roll-back', reason }, by, ({ defaultArm }) => ({
    arm: defaultArm,
    reason,
    by: decider,
    at: by.at,
  }));
}

/** Puts an experiment away that is over or never ran. */
export async function archiveExperiment(stores: Stores, moved: Moved, by: Change): Promise<ExperimentView> {
  return end(stores, moved, 'archived', { step: 'archive', reason: null }, by);
}

/** Widens a running experiment to the next step of its ramp. */
export async function advanceExperiment(
  stores: Stores,
  moved: Moved,
  coverage: number,
  reason: string,
  by: Change,
): Promise<ExperimentView> {
  const current = await findVersion(stores, moved);
  if (current.state !== 'running') throw refused(moved, 'advance', `it is ${current.state}`);
  const wider = { ...following(current, 'running'), coverage };
  const next = { ...wider, phases: beginPhase(wider, by.at) };
  return commitVersion(stores, next, { step: 'advance', reason }, by);
}

async function end(
  stores: Stores,
  moved: Moved,
  to: ExperimentState,
  doing: Doing,
  by: Change,
  decide?: (current: Experiment) => Experiment['decision'],
): Promise<ExperimentView> {
  const current = await find(stores, moved, doing.step, to);
  const { phases, decision } = current;
  const next = {
    ...following(current, to),
    phases: endPhase(phases, by.at),
    decision: decide?.(current) ?? decision,
  };
  return commitVersion(stores, next, doing, by);
}

const following = (current: Experiment, state: ExperimentState): Experiment => ({
  ...current,
  state,
  version: current.version + 1,
});

async function findVersion(stores: Stores, { experiment, from }: Moved): Promise<Experiment> {
  const row = await findExperiment(stores.db, experiment);
  if (row === undefined) throw new TrunklineError('not-found', `There is no experiment "${experiment}".`);
  refuseOtherVersion(experiment, row.version, from);
  return row.document;
}

async function find(stores: Stores, moved: Moved, step: string, to: ExperimentState): Promise<Experiment> {
  const current = await findVersion(stores, moved);
  if (!canBecome(current.state, to)) throw refused(moved, step, `it is ${current.state}`);
  return current;
}

const refused = ({ experiment }: Moved, step: string, why: string): TrunklineError =>
  new TrunklineError('conflict', `Cannot ${step} experiment "${experiment}": ${why}.`);
