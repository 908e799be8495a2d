import { TrunklineError } from '../../../shared/errors.ts';
import type { CheckpointRequest, HeartbeatReply, HeartbeatRequest } from '../../../shared/jobs.ts';
import { ownedSize } from '../../store/blobs.ts';
import { isMissingReference } from '../../store/database.ts';
import { renewLease, type Renewal } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import { findOwnJob } from './view-of-job.ts';

/** Which job of which project, and the token of the lease that the caller believes to hold. */
export interface Lease {
  project: string;
  job: string;
  token: number;
}

/** A moment, and how long a lease given then holds. */
export interface Term {
  at: string;
  /** Milliseconds. */
  leaseMs: number;
}

/** When a lease that is given now ends. */
export const endOf = ({ at, leaseMs }: Term): string => new Date(Date.parse(at) + leaseMs).toISOString();

/**
 * Says that the runner is alive and how far it has come.
 *
 * @throws {TrunklineError} `conflict` when the lease is another one's by now
 */
export async function heartbeat(
  stores: Stores,
  lease: Lease,
  { progress }: Pick<HeartbeatRequest, 'progress'>,
  term: Term,
): Promise<HeartbeatReply> {
  return renew(stores, lease, { at: term.at, leaseExpiresAt: endOf(term), progress });
}

/**
 * Keeps where an attempt has come to, so that the next one can go on from there.
 *
 * @throws {TrunklineError} `unprocessable` when the blob is not stored, `conflict` as `heartbeat`
 */
export async function saveCheckpoint(
  stores: Stores,
  lease: Lease,
  { sha256, sizeBytes, step }: CheckpointRequest,
  term: Term,
): Promise<HeartbeatReply> {
  const row = await findOwnJob(stores, lease.project, lease.job);
  if (row.state !== 'leased' || row.token !== lease.token) throw staleLease('go on with', row, lease.token);
  const size = await ownedSize(stores.db, lease.project, sha256);
  if (size !== sizeBytes) {
    const found = size === null ? 'it is not stored' : `it has ${size} bytes, not ${sizeBytes}`;
    throw refusedCheckpoint(lease, `${found}: blob ${sha256}`);
  }
  const checkpoint = { sha256, sizeBytes, step };
  try {
    return await renew(stores, lease, { at: term.at, leaseExpiresAt: endOf(term), checkpoint });
  } catch (cause) {
    if (!isMissingReference(cause)) throw cause;
    throw refusedCheckpoint(lease, `it was deleted just now: blob ${sha256}`);
  }
}

const refusedCheckpoint = ({ job }: Lease, why: string): TrunklineError =>
  new TrunklineError('unprocessable', `Cannot keep the checkpoint of job ${job}: ${why}.`);

async function renew(stores: Stores, lease: Lease, renewal: Renewal): Promise<HeartbeatReply> {
  const { project, job, token } = lease;
  const row = await renewLease(stores.db, { id: job, project, token }, renewal);
  if (row === undefined) throw staleLease('go on with', await findOwnJob(stores, project, job), token);
  return { cancelRequested: row.cancelRequested, expiresAt: renewal.leaseExpiresAt };
}

/** The refusal of whoever has a token that does not count (any more). */
export function staleLease(
  doing: string,
  { id, state, token: current }: JobRow,
  token: number,
): TrunklineError {
  const now = state === 'leased' ? `token ${current} holds it` : `it is ${state} since token ${current}`;
  const why = state === 'leased' && current === token ? 'it is being cancelled' : now;
  return new TrunklineError('conflict', `Cannot ${doing} job ${id} with token ${token}: ${why}.`);
}
