import { TrunklineError } from '../../shared/errors.ts';
import { redraws, type Experiment } from '../../shared/experiment.ts';
import type { ExperimentRequest, ExperimentView } from '../../shared/experiment-api.ts';
import { findExperiment } from '../store/experiments.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';
import { commitVersion, viewOfExperiment } from './commit-version.ts';
import { findUnready } from './find-unready.ts';
import { beginPhase } from './phases.ts';

export interface ExperimentChange {
  experiment: string;
  request: ExperimentRequest;
  /** The version this change was made from (0: none); another one is a conflict. Undefined: whatever is there. */
  from?: number;
}

/**
 * Creates an experiment as a draft, or edits one that is not over. An edit of a running experiment holds for the edge as
 * a whole, in one write: other weights or arms draw units anew under the next revision, another coverage only begins a
 * phase. The same again makes no new version.
 *
 * @throws {TrunklineError} `unprocessable` when the experiment contradicts itself, or what is compared would change after
 *   the first look; `conflict` when it is at another version than `from`, is over, or cannot run like that
 */
export async function saveExperiment(
  stores: Stores,
  { experiment: name, request, from }: ExperimentChange,
  by: Change,
): Promise<{ created: boolean; experiment: ExperimentView }> {
  const row = await findExperiment(stores.db, name);
  refuseOtherVersion(name, row?.version ?? 0, from);
  if (row === undefined) {
    const draft = draftOf(name, request);
    const experiment = await commitVersion(stores, draft, { step: 'create', reason: null }, by);
    return { created: true, experiment };
  }
  const next = edited(row.document, request, by.at);
  if (JSON.stringify(next) === JSON.stringify({ ...row.document, version: next.version })) {
    return { created: false, experiment: viewOfExperiment(row) };
  }
  if (next.state === 'running') {
    const why = await findUnready(stores, next);
    if (why !== null) throw new TrunklineError('conflict', `Cannot edit experiment "${name}": ${why}.`);
  }
  const experiment = await commitVersion(stores, next, { step: 'edit', reason: null }, by);
  return { created: false, experiment };
}

/** @throws {TrunklineError} `conflict` unless the change was made from what is there */
export function refuseOtherVersion(name: string, version: number, from: number | undefined): void {
  if (from === undefined || from === version) return;
  throw new TrunklineError(
    'conflict',
    `Cannot change experiment "${name}": it is at version ${version}, the change was made from ${from}.`,
  );
}

const draftOf = (experiment: string, request: ExperimentRequest): Experiment => ({
  experiment,
  ...request,
  coverage: request.coverage ?? request.ramp.steps[0] ?? 1,
  revision: 1,
  version: 1,
  state: 'draft',
  phases: [],
  decision: null,
});

function edited(current: Experiment, request: ExperimentRequest, at: string): Experiment {
  const { experiment: name, state, phases, endpoint } = current;
  const refuse = (why: string, code: 'conflict' | 'unprocessable'): never => {
    throw new TrunklineError(code, `Cannot edit experiment "${name}": ${why}.`);
  };
  if (state !== 'draft' && state !== 'running' && state !== 'paused') refuse(`it is ${state}`, 'conflict');
  if (request.endpoint !== endpoint) refuse(`it belongs to endpoint "${endpoint}"`, 'unprocessable');
  const changed: Experiment = {
    ...current,
    ...request,
    coverage: request.coverage ?? current.coverage,
    version: current.version + 1,
  };
  if (state === 'draft') return changed;
  const drawnAnew = redraws(current, changed);
  if (!drawnAnew && question(current) !== question(changed)) {
    refuse(
      'margins, alpha and planned units are fixed once it ran: numbers that were looked at must not choose them',
      'unprocessable',
    );
  }
  const next = { ...changed, revision: current.revision + (drawnAnew ? 1 : 0) };
  const sameTraffic = !drawnAnew && next.coverage === current.coverage;
  return state === 'paused' || sameTraffic ? { ...next, phases } : { ...next, phases: beginPhase(next, at) };
}

/** What an experiment asks, as text to compare. */
const question = ({ margins, alpha, plannedUnits }: Experiment): string =>
  JSON.stringify([Object.entries(margins).sort(), alpha, plannedUnits]);
