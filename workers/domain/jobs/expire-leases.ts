import { expiredBy } from '../../store/job-moves.ts';
import { listExpired } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import { endAttempt } from './end-attempt.ts';

/**
 * Takes back leases that ran out: their runners died, or hang, or cannot reach us. Jobs whose result is being published
 * are not touched, they only go forward: see complete-job.ts.
 *
 * @returns how many were taken back
 */
export async function expireLeases(stores: Stores, at: string, project?: string): Promise<number> {
  const expired = await listExpired(stores.db, at, {
    publishing: false,
    ...(project === undefined ? {} : { project }),
  });
  let taken = 0;
  for (const row of expired) {
    const runner = row.runner?.name ?? 'its runner';
    const reason = `Nothing was heard of ${runner} until ${row.leaseExpiresAt ?? 'the lease ran out'}.`;
    const ending = { reason, retryable: true, handBack: false };
    if (await endAttempt(stores, row, ending, { actor: 'rule', at }, { guard: expiredBy(at) })) taken += 1;
  }
  return taken;
}
