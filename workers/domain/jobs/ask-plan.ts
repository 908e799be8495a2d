import { TrunklineError } from '../../../shared/errors.ts';
import { randomId } from '../../../shared/ids.ts';
import type { PlanRequest } from '../../../shared/jobs.ts';
import { isMissingReference } from '../../store/database.ts';
import { insertJob, type JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { pinSource, repeatedTask, resolveSources } from './ask-merge.ts';
import { findMismatch } from './find-mismatch.ts';
import { findOwnJob } from './view-of-job.ts';

/**
 * Asks what a merge would share and what that is predicted to cost. Nothing is merged or published for it.
 *
 * @throws {TrunklineError} `not-found` for a version or alias that does not exist; `unprocessable`, saying what does not fit
 */
export async function askPlan(
  stores: Stores,
  { project, owner }: { project: string; owner: string },
  request: PlanRequest,
  by: Change,
): Promise<JobRow> {
  const twice = repeatedTask(request.sources);
  if (twice !== undefined) throw refused(`two sources are of task "${twice}"`);
  const sources = await resolveSources(stores, project, request.sources);
  const why = await findMismatch(stores.db, sources, request.recipe);
  if (why !== null) throw refused(why);
  const id = randomId();
  const pinned = { kind: 'plan' as const, sources: sources.map(pinSource) };
  const job = {
    ...({ id, project, owner, kind: 'plan', priority: request.priority, request, pinned } as const),
    ...{ retryOf: null, idempotencyKey: null, at: by.at },
  };
  const detail = { kind: 'plan', tasks: request.sources.map(({ task }) => task) };
  try {
    await insertJob(stores.db, job, { ...by, project, action: 'job.create', subject: id, detail });
  } catch (cause) {
    if (isMissingReference(cause)) throw refused('a version of it was deleted at the same time');
    throw cause;
  }
  return findOwnJob(stores, project, id);
}

const refused = (why: string): TrunklineError =>
  new TrunklineError('unprocessable', `Cannot plan this merge: ${why}.`);
