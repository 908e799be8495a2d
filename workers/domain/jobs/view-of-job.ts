import { TrunklineError } from '../../../shared/errors.ts';
import { jobEvent, jobView, maxAttempts, type JobEvent, type JobView } from '../../../shared/jobs.ts';
import { findJob, type JobEventRow, type JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';

/** A job as its project sees it. */
export function viewOfJob(row: JobRow): JobView {
  const { pinned } = row;
  const inputs = pinned.kind === 'inspect' ? { subject: pinned.version } : { sources: pinned.sources };
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

/** What a job is about, for audit rows: a bundle's name, a reference, the tasks of a plan. */
export function subjectOf({ request }: JobRow): string {
  if ('name' in request) return request.name;
  return 'ref' in request ? request.ref : request.sources.map(({ task }) => task).join(' + ');
}
