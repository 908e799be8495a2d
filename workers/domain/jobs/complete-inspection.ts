import { TrunklineError } from '../../../shared/errors.ts';
import { withoutDrawing, type Inspection } from '../../../shared/inspection.ts';
import { cancelIs, moveJob } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import { inspectionStatement } from '../../store/inspections.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { staleLease } from './lease.ts';
import { findOwnJob } from './view-of-job.ts';

const kindOf = { models: 'model', datasets: 'dataset' } as const;

/** Ends an inspection: what was read becomes part of the registered version in the same batch. */
export async function completeInspection(
  stores: Stores,
  row: JobRow,
  inspection: Inspection,
  by: Change,
): Promise<JobRow> {
  const { pinned } = row;
  if (pinned.kind !== 'inspect' || kindOf[pinned.of] !== inspection.kind) {
    const wanted = pinned.kind === 'inspect' ? `inspects ${pinned.of}` : `is to ${pinned.kind}`;
    throw new TrunklineError(
      'unprocessable',
      `Cannot complete job ${row.id}: it ${wanted}, the result is the inspection of a ${inspection.kind}.`,
    );
  }
  const { name, version } = pinned.version;
  const { id, project, attempts, token } = row;
  const moved = await moveJob(
    stores.db,
    {
      job: row,
      from: 'leased',
      to: 'succeeded',
      attempt: 'succeeded',
      at: by.at,
      guard: [cancelIs(false)],
      set: { result: withoutDrawing(inspection), reason: null },
      event: { state: 'succeeded', attempts, token, runner: row.runner?.name ?? null, reason: null },
      audit: {
        ...by,
        project,
        action: 'job.finished',
        subject: id,
        detail: { kind: row.kind, name, version },
      },
    },
    [
      inspectionStatement(stores.db, {
        project,
        kind: pinned.of,
        name,
        version,
        at: by.at,
        document: inspection,
      }),
    ],
  );
  const now = await findOwnJob(stores, project, id);
  if (!moved && !(now.state === 'succeeded' && now.token === token)) throw staleLease('complete', now, token);
  return now;
}
