import { TrunklineError } from '../../../shared/errors.ts';
import { forgetProgress, listExpired, releaseCheckpoints } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import { expireLeases } from './expire-leases.ts';
import { publishResult } from './publish-result.ts';

/** How long a job that failed keeps its checkpoint for a retry, and one that ended its progress. */
const keptForMs = 7 * 86_400_000;

/** Takes back leases that ran out, and lets go of what is kept for nobody. Harmless to repeat. */
export async function sweepJobs(stores: Stores, at: string): Promise<void> {
  await expireLeases(stores, at);
  const before = new Date(Date.parse(at) - keptForMs).toISOString();
  await releaseCheckpoints(stores.db, before);
  await forgetProgress(stores.db, before);
}

/**
 * Finishes what was being published when its request broke off.
 *
 * @throws {AggregateError} of what the storage did not allow; the next call tries again
 */
export async function finishPublishing(stores: Stores, at: string): Promise<void> {
  const errors: unknown[] = [];
  for (const row of await listExpired(stores.db, at, { publishing: true })) {
    try {
      await publishResult(stores, row, { actor: row.owner, project: row.project, at });
    } catch (error) {
      // A manifest that cannot be published ended its attempt: that is done.
      if (!(error instanceof TrunklineError && error.status < 500)) errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be published');
}
