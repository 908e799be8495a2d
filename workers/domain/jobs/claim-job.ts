import { randomId } from '../../../shared/ids.ts';
import type { ClaimRequest } from '../../../shared/jobs.ts';
import { claimNext } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import { expireLeases } from './expire-leases.ts';
import { endOf, type Term } from './lease.ts';

/** Leases the next job to a runner, or answers null when there is none for it. Leases that ran out are taken back first. */
export async function claimJob(
  stores: Stores,
  project: string,
  { runner, kinds }: ClaimRequest,
  term: Term,
): Promise<JobRow | null> {
  await expireLeases(stores, term.at, project);
  const claim = { project, runner, kinds, nonce: randomId(), at: term.at, leaseExpiresAt: endOf(term) };
  return (await claimNext(stores.db, claim)) ?? null;
}
