import { TrunklineError } from '../../../shared/errors.ts';
import { jobEvent, jobView, maxAttempts, type JobEvent, type JobView } from '../../../shared/jobs.ts';
import { findJob, type JobEventRow, type JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';

/** A job as its project sees it. */
export function viewOfJob(row: JobRow): JobView {
  const { pinned } = row;
  const inputs = pinned.kind === 'merge' ? { sources: pinned.sources } : { subject: pinned.version };
  // What the columns of JSON hold depends on `kind`, which only the schema knows.
  return jobView.parse({ ...row, ...inputs, maxAttempts });
}

export const viewOfEvent = (row: JobEventRow): JobEvent => jobEvent.parse(row);

/** @throws {TrunklineError} `not-found` when the project has no job of that id */
export async function findOwnJob({ db }: Stores, project: string, id: string): Promise<JobRow> {
  const row = await findJob(db, project, id);
  if (row === undefined) throw new TrunklineError('not-found', `There is no job "${id}".`);
  return row;
}
