import { TrunklineError } from '../../../shared/errors.ts';
import { randomId } from '../../../shared/ids.ts';
import { ownedSize } from '../../store/blobs.ts';
import { isDuplicate, isMissingReference } from '../../store/database.ts';
import { findRetryOf, insertJob, type JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { findOwnJob } from './view-of-job.ts';

/**
 * Asks again for what a job that failed or was cancelled was asked for: the same versions, and on from its checkpoint. What
 * has ended stays as it ended, so this is another job, one for each job; asked again it is the same one.
 *
 * @throws {TrunklineError} `conflict` when the job has not ended, or succeeded, or a version it reads was deleted
 */
export async function retryJob(
  stores: Stores,
  { project, owner }: { project: string; owner: string },
  id: string,
  by: Change,
): Promise<{ created: boolean; job: JobRow }> {
  const row = await findOwnJob(stores, project, id);
  if (row.state !== 'failed' && row.state !== 'cancelled') {
    throw new TrunklineError('conflict', `Cannot retry job ${id}: it is ${row.state}.`);
  }
  const known = await findRetryOf(stores.db, id);
  if (known !== undefined) return { created: false, job: known };
  const { kind, priority, request, pinned } = row;
  const newId = randomId();
  const job = {
    ...{
      id: newId,
      project,
      owner,
      kind,
      priority,
      request,
      pinned,
      retryOf: id,
      idempotencyKey: null,
      at: by.at,
    },
    checkpoint: await stillThere(stores, row),
  };
  const detail = { kind, retryOf: id };
  try {
    await insertJob(stores.db, job, { ...by, project, action: 'job.create', subject: newId, detail });
  } catch (cause) {
    const winner = isDuplicate(cause) ? await findRetryOf(stores.db, id) : undefined;
    if (winner !== undefined) return { created: false, job: winner };
    if (!isMissingReference(cause)) throw cause;
    throw new TrunklineError(
      'conflict',
      `Cannot retry job ${id}: a version that it reads was deleted; ask for it anew.`,
      { cause },
    );
  }
  return { created: true, job: await findOwnJob(stores, project, newId) };
}

/** The checkpoint, unless it was deleted since: then the job begins at the beginning. */
async function stillThere({ db }: Stores, { project, checkpoint }: JobRow): Promise<JobRow['checkpoint']> {
  if (checkpoint === null) return null;
  return (await ownedSize(db, project, checkpoint.sha256)) === null ? null : checkpoint;
}
