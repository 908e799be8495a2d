import { randomId } from '../../../shared/ids.ts';
import type { PinnedVersion } from '../../../shared/jobs.ts';
import { referenceOf } from '../../../shared/registry.ts';
import type { Database, Statement } from '../../store/database.ts';
import { insertJobStatements, type NewJob } from '../../store/jobs.ts';
import type { AuditEntry } from '../../store/audit.ts';
import type { Change } from '../change.ts';

/** Reading a version takes seconds and people wait for it: before merges, after what somebody put before everything. */
export const inspectionPriority = 7;

export interface Asked {
  project: string;
  owner: string;
  idempotencyKey: string | null;
}

/** The job that reads a version, and its audit entry. */
export function inspectionJob(
  { project, owner, idempotencyKey }: Asked,
  of: 'models' | 'datasets',
  version: PinnedVersion,
  by: Change,
  priority = inspectionPriority,
): { job: NewJob; entry: AuditEntry } {
  const id = randomId();
  const ref = referenceOf(version);
  const job: NewJob = {
    ...{ id, project, owner, kind: 'inspect', priority, retryOf: null, idempotencyKey, at: by.at },
    request: { kind: of, ref, priority },
    pinned: { kind: 'inspect', of, version },
  };
  const detail = { kind: 'inspect', of, ref };
  return { job, entry: { ...by, project, action: 'job.create', subject: id, detail } };
}

/** Statements that have a version read by a runner, for the batch that registers it: it is there, so it will be read. */
export function inspectionStatements(
  db: Database,
  asked: Asked,
  of: 'models' | 'datasets',
  version: PinnedVersion,
  by: Change,
): readonly Statement[] {
  const { job, entry } = inspectionJob(asked, of, version, by);
  return insertJobStatements(db, job, entry);
}
