import { TrunklineError } from '../../shared/errors.ts';
import { experiment as experimentSchema, type Experiment } from '../../shared/experiment.ts';
import type { ExperimentView } from '../../shared/experiment-api.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { isDuplicate, isMissingReference } from '../store/database.ts';
import { findEndpoint } from '../store/endpoints.ts';
import { findExperiment, insertVersion, type ExperimentVersionRow } from '../store/experiments.ts';
import type { ExperimentStep } from '../store/schema.ts';
import type { Stores } from '../store/stores.ts';
import { projectOf, type Change } from './change.ts';
import { publishEndpoint } from './publish-endpoint.ts';
import { sameTasks } from './set-endpoint.ts';

/** What is done to an experiment, and why where somebody said. */
export interface Doing {
  step: ExperimentStep;
  reason: string | null;
}

/**
 * Makes `next` the newest version of its experiment and tells the edge. Where it ends the experiment, the endpoint gets
 * the tasks of the decided arm with it: both are rows of one batch, and reach the edge in one write. When that write
 * fails the version stands, unpublished, and the schedule publishes it.
 *
 * @throws {TrunklineError} `unprocessable` when the experiment contradicts itself; `conflict` when somebody else changed
 *   it at the same time
 */
export async function commitVersion(
  stores: Stores,
  next: Experiment,
  doing: Doing,
  by: Change,
): Promise<ExperimentView> {
  const { experiment: name, version } = next;
  const parsed = experimentSchema.safeParse(next);
  if (!parsed.success) {
    throw new TrunklineError(
      'unprocessable',
      `Cannot ${doing.step} experiment "${name}": ${explainIssues(parsed.error)}.`,
    );
  }
  // An experiment stays in the project that drafted it, whoever (or whatever rule) moves it on.
  const project = (await findExperiment(stores.db, name))?.project ?? projectOf(by);
  await insert(stores, parsed.data, doing, { ...by, project });
  if (next.state !== 'draft' && next.state !== 'archived') await tellEdge(stores, next.endpoint, by);
  const row = await findExperiment(stores.db, name);
  if (row === undefined) throw new Error(`version ${version} of experiment ${name} is gone`);
  return viewOfExperiment(row);
}

export const viewOfExperiment = (row: ExperimentVersionRow): ExperimentView => ({
  ...row.document,
  changedAt: row.createdAt,
  changedBy: row.createdBy,
  publishedAt: row.publishedAt,
});

async function insert(
  stores: Stores,
  document: Experiment,
  { step, reason }: Doing,
  by: Required<Change>,
): Promise<void> {
  const { experiment, version, endpoint, state, revision, coverage, decision } = document;
  const { project } = by;
  const row = { experiment, project, version, endpoint, state, document, step, reason };
  const detail = { endpoint, version, revision, state, coverage, reason };
  const entry = {
    ...by,
    action: `experiment.${step}` as const,
    subject: experiment,
    detail: decision === null ? detail : { ...detail, arm: decision.arm },
  };
  const created = { createdAt: by.at, createdBy: by.actor };
  try {
    await insertVersion(
      stores.db,
      { ...row, ...created },
      entry,
      await winnersRevision(stores, document, by),
    );
  } catch (cause) {
    if (!isDuplicate(cause) && !isMissingReference(cause)) throw cause;
    throw new TrunklineError(
      'conflict',
      `Cannot ${step} experiment "${experiment}": it, its endpoint or a bundle was changed at the same time.`,
      { cause },
    );
  }
}

/** The endpoint's revision that serves the decided arm, where the endpoint serves anything else. */
async function winnersRevision({ db }: Stores, document: Experiment, by: Change) {
  const { state, decision, arms, endpoint } = document;
  const arm = arms.find((one) => one.name === decision?.arm);
  if ((state !== 'decided' && state !== 'rolled-back') || arm === undefined) return undefined;
  const current = await findEndpoint(db, endpoint);
  if (current === undefined || sameTasks(current.tasks, arm.tasks)) return undefined;
  const revision = current.revision + 1;
  const { tasks } = arm;
  return {
    row: {
      endpoint,
      revision,
      project: current.project,
      tasks,
      createdAt: by.at,
      createdBy: by.actor,
    },
    entry: { ...by, action: 'endpoint.set' as const, subject: endpoint, detail: { revision, tasks } },
  };
}

async function tellEdge(stores: Stores, endpoint: string, by: Change): Promise<void> {
  try {
    await publishEndpoint(stores, endpoint, by.at);
  } catch (error) {
    // The change is made; who asked for it sees that `publishedAt` is null.
    console.error(`endpoint ${endpoint} is not published yet`, error);
  }
}
