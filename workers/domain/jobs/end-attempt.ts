import { TrunklineError } from '../../../shared/errors.ts';
import { isFinal, maxAttempts, type FailRequest, type JobState } from '../../../shared/jobs.ts';
import { cancelIs, moveJob, notPublishing, type Guard, type Move } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { staleLease, type Lease } from './lease.ts';
import { findOwnJob, subjectOf } from './view-of-job.ts';

export type Ending = Pick<FailRequest, 'reason' | 'retryable' | 'handBack'>;

/** Milliseconds until a job that failed is tried again: twice as long each time, up to ten minutes. */
export const backoffMs = (attempts: number): number => Math.min(600_000, 5_000 * 2 ** (attempts - 1));

/**
 * Ends the attempt that holds the job, without a result: the job is queued again, cancelled where somebody asked for that,
 * or a dead letter.
 *
 * @param guard what else must hold of the row, e.g. that its lease has run out
 * @returns whether the attempt was still there to be ended
 */
export async function endAttempt(
  { db }: Stores,
  row: JobRow,
  { reason, retryable, handBack }: Ending,
  by: Change,
  { guard, set }: { guard?: Guard; set?: Move['set'] } = {},
): Promise<boolean> {
  const attempts = row.attempts + (handBack && retryable ? 0 : 1);
  const to = whatFollows(row, retryable, attempts);
  const said = to === 'cancelled' ? 'Cancelled on request.' : reason;
  const waitMs = handBack ? 0 : backoffMs(attempts);
  return moveJob(db, {
    job: row,
    from: 'leased',
    to,
    at: by.at,
    // Somebody who asks to cancel meanwhile is not to be overlooked.
    guard: [
      ...(set === undefined ? [notPublishing] : []),
      cancelIs(row.cancelRequested),
      ...(guard ? [guard] : []),
    ],
    set: {
      attempts,
      reason: said,
      ...(to === 'queued' ? { notBefore: new Date(Date.parse(by.at) + waitMs).toISOString() } : {}),
      ...set,
    },
    // Who hands a job back or is told to stop has not failed.
    ...(attempts > row.attempts && to !== 'cancelled' ? { attempt: 'failed' as const } : {}),
    event: { state: to, attempts, token: row.token, runner: row.runner?.name ?? null, reason: said },
    ...(to === 'queued' ? {} : { audit: auditOf(row, to, said, by) }),
  });
}

function whatFollows({ cancelRequested }: JobRow, retryable: boolean, attempts: number): JobState {
  if (cancelRequested) return 'cancelled';
  return retryable && attempts < maxAttempts ? 'queued' : 'failed';
}

export const auditOf = (
  row: JobRow,
  to: 'failed' | 'cancelled' | JobState,
  reason: string,
  by: Change,
): NonNullable<Move['audit']> => ({
  ...by,
  project: row.project,
  action: to === 'failed' ? 'job.failed' : 'job.cancelled',
  subject: row.id,
  detail: { kind: row.kind, name: subjectOf(row), reason },
});

/**
 * What a runner says when it could not do it. Said again, it changes nothing.
 *
 * @throws {TrunklineError} `conflict` when the lease is another one's by now, or the result is being published already
 */
export async function failJob(stores: Stores, lease: Lease, ending: Ending, by: Change): Promise<JobRow> {
  for (;;) {
    const row = await findOwnJob(stores, lease.project, lease.job);
    if (row.token !== lease.token) throw staleLease('fail', row, lease.token);
    if (row.publishing !== null && !isFinal(row.state)) {
      throw new TrunklineError(
        'conflict',
        `Cannot fail job ${row.id}: its result is being published already.`,
      );
    }
    if (row.state === 'succeeded') throw staleLease('fail', row, lease.token);
    // Under this token it ended before: the runner did not hear the answer.
    if (row.state !== 'leased') return row;
    await endAttempt(stores, row, ending, by);
  }
}
