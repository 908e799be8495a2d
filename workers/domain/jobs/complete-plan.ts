import { TrunklineError } from '../../../shared/errors.ts';
import type { PlanResult } from '../../../shared/jobs.ts';
import { cancelIs, moveJob } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { staleLease } from './lease.ts';
import { findOwnJob } from './view-of-job.ts';

/** Ends a plan: the answer is the job's own, nothing else changes. */
export async function completePlan(
  stores: Stores,
  row: JobRow,
  plan: PlanResult,
  by: Change,
): Promise<JobRow> {
  const { id, project, attempts, token, kind } = row;
  if (kind !== 'plan') {
    throw new TrunklineError(
      'unprocessable',
      `Cannot complete job ${id}: it is to ${kind}, the result is a plan.`,
    );
  }
  const moved = await moveJob(stores.db, {
    job: row,
    from: 'leased',
    to: 'succeeded',
    attempt: 'succeeded',
    at: by.at,
    guard: [cancelIs(false)],
    set: { result: plan, reason: null },
    event: { state: 'succeeded', attempts, token, runner: row.runner?.name ?? null, reason: null },
    audit: { ...by, project, action: 'job.finished', subject: id, detail: { kind } },
  });
  const now = await findOwnJob(stores, project, id);
  if (!moved && !(now.state === 'succeeded' && now.token === token)) throw staleLease('complete', now, token);
  return now;
}
