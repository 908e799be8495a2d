import { randomId } from '../../../shared/ids.ts';
import type { Database, Statement } from '../../store/database.ts';
import { insertInspectionStatements } from '../../store/job-inspections.ts';
import { projectOf, type Change } from '../change.ts';

/** Reading a version takes seconds and people wait for it: before merges, after what somebody put before everything. */
export const inspectionPriority = 7;

/**
 * Statements that have a version read by a runner, for the batch that registers it: what is there will be read. Which
 * number the version got is known to the batch only, so it is found by its digest.
 */
export function inspectionStatements(
  db: Database,
  version: { kind: 'models' | 'datasets'; name: string; digest: string },
  by: Change,
  priority = inspectionPriority,
): readonly [Statement, ...Statement[]] {
  const job = { id: randomId(), owner: by.actor, priority, at: by.at };
  return insertInspectionStatements(db, job, { project: projectOf(by), ...version });
}
