import { TrunklineError } from '../../../shared/errors.ts';
import type { CompleteRequest } from '../../../shared/jobs.ts';
import { ownedSize } from '../../store/blobs.ts';
import { isMissingReference } from '../../store/database.ts';
import { cancelIs, mayPublish, moveJob } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Publishing } from '../../store/schema/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { completeInspection } from './complete-inspection.ts';
import { completePlan } from './complete-plan.ts';
import { endAttempt } from './end-attempt.ts';
import { staleLease, type Lease } from './lease.ts';
import { publishResult } from './publish-result.ts';
import { findOwnJob } from './view-of-job.ts';

/**
 * Takes the result of a job, once: said again under the same token it answers the same.
 *
 * A merge is published in two steps. First the job notes which manifest it ends with; from then on it can neither be
 * cancelled nor given to another runner, and whoever comes by (this request, one that repeats it, the schedule) finishes
 * that. Then the bundle is published and registered, which is harmless to repeat, and last one batch ends the job and moves
 * the endpoint: so no crash in between publishes twice or loses the result.
 *
 * @throws {TrunklineError} `conflict` when the lease is another one's by now or the job was cancelled; `unprocessable` when
 *   the result cannot be taken: the attempt has failed then
 */
export async function completeJob(
  stores: Stores,
  lease: Lease,
  result: CompleteRequest['result'],
  limits: { maxManifestBytes: number },
  by: Change,
): Promise<JobRow> {
  const row = await findOwnJob(stores, lease.project, lease.job);
  if (row.token !== lease.token) throw staleLease('complete', row, lease.token);
  if (row.state === 'succeeded') return row;
  if (row.state !== 'leased') throw staleLease('complete', row, lease.token);
  if (row.cancelRequested) {
    await endAttempt(stores, row, { reason: 'Cancelled.', retryable: false, handBack: false }, by);
    throw new TrunklineError('conflict', `Cannot complete job ${row.id}: it was cancelled.`);
  }
  if ('inspection' in result) return completeInspection(stores, row, result.inspection, by);
  if ('plan' in result) return completePlan(stores, row, result.plan, by);
  if (row.kind !== 'merge') {
    throw new TrunklineError(
      'unprocessable',
      `Cannot complete job ${row.id}: it is to ${row.kind}, the result is that of a merge.`,
    );
  }
  const publishing = { bundle: result.bundle, report: result.report ?? null };
  await decidePublishing(stores, row, publishing, limits, by);
  return publishResult(stores, { ...row, publishing }, by);
}

/** Notes what the job ends with. From here on there is no way back. */
async function decidePublishing(
  stores: Stores,
  row: JobRow,
  publishing: Publishing,
  { maxManifestBytes }: { maxManifestBytes: number },
  by: Change,
): Promise<void> {
  const refuse = (code: 'unprocessable' | 'conflict', why: string): never => {
    throw new TrunklineError(code, `Cannot complete job ${row.id}: ${why}.`);
  };
  if (row.publishing !== null && row.publishing.bundle !== publishing.bundle) {
    refuse('conflict', `bundle ${row.publishing.bundle} is being published for it already`);
  }
  const { bundle, report } = publishing;
  const sizeBytes = await ownedSize(stores.db, row.project, bundle);
  if (sizeBytes === null) return refuse('unprocessable', `its manifest is not stored: blob ${bundle}`);
  if (sizeBytes > maxManifestBytes) {
    refuse('unprocessable', `its manifest has ${sizeBytes} bytes, the limit is ${maxManifestBytes}`);
  }
  try {
    const noted = await moveJob(stores.db, {
      job: row,
      from: 'leased',
      to: 'leased',
      at: by.at,
      guard: [mayPublish(publishing), cancelIs(false)],
      set: { publishing },
      blobs: [bundle, ...(report === null ? [] : [report])],
    });
    if (!noted) throw staleLease('complete', await findOwnJob(stores, row.project, row.id), row.token);
  } catch (cause) {
    if (!isMissingReference(cause)) throw cause;
    refuse('unprocessable', `its report is not stored: blob ${report ?? ''}`);
  }
}
