import { TrunklineError } from '../../../shared/errors.ts';
import { isFinal } from '../../../shared/jobs.ts';
import { moveJob, notPublishing } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { auditOf } from './end-attempt.ts';
import { findOwnJob } from './view-of-job.ts';

/**
 * Cancels a job: at once where nobody works on it; else its runner is told with the next heartbeat, and no result of it
 * is taken any more. Cancelling again is harmless.
 *
 * @throws {TrunklineError} `conflict` when the job has ended otherwise, or its result is being published
 */
export async function cancelJob(stores: Stores, project: string, id: string, by: Change): Promise<JobRow> {
  for (;;) {
    const row = await findOwnJob(stores, project, id);
    const { state, attempts, token } = row;
    if (state === 'cancelled' || (state === 'leased' && row.cancelRequested)) return row;
    if (isFinal(state)) throw refused(id, `it has ${state}`);
    if (row.publishing !== null) throw refused(id, 'its result is being published');
    const move = { job: row, from: state, at: by.at };
    if (state === 'queued') {
      const reason = 'Cancelled on request.';
      const event = { state: 'cancelled', attempts, token, runner: null, reason } as const;
      const audit = auditOf(row, 'cancelled', reason, by);
      await moveJob(stores.db, {
        ...move,
        to: 'cancelled',
        set: { cancelRequested: true, reason },
        event,
        audit,
      });
    } else {
      const audit = {
        ...by,
        project,
        action: 'job.cancel',
        subject: id,
        detail: { kind: row.kind },
      } as const;
      await moveJob(stores.db, {
        ...move,
        to: 'leased',
        guard: [notPublishing],
        set: { cancelRequested: true },
        audit,
      });
    }
  }
}

const refused = (id: string, why: string): TrunklineError =>
  new TrunklineError('conflict', `Cannot cancel job ${id}: ${why}.`);
