import { and, asc, desc, eq } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { evaluations } from './schema.ts';

export type EvaluationRow = typeof evaluations.$inferSelect;

/** Curves have at most as many points; a row is added when units have grown by a twentieth, so this is never reached. */
const maxPoints = 1000;

export async function lastEvaluation(db: Database, experiment: string): Promise<EvaluationRow | undefined> {
  return db
    .select()
    .from(evaluations)
    .where(eq(evaluations.experiment, experiment))
    .orderBy(desc(evaluations.sequence))
    .get();
}

/** @param entry what the audit log says of it, where it is a step of the experiment's life */
export async function insertEvaluation(
  db: Database,
  row: Omit<EvaluationRow, 'sequence'>,
  entry?: AuditEntry,
): Promise<void> {
  const insert = db.insert(evaluations).values(row);
  if (entry === undefined) await insert;
  else await db.batch([insert, auditInsert(db, entry)]);
}

/** Oldest first, of the units of one revision. */
export async function listEvaluations(
  db: Database,
  experiment: string,
  revision: number,
): Promise<EvaluationRow[]> {
  return db
    .select()
    .from(evaluations)
    .where(and(eq(evaluations.experiment, experiment), eq(evaluations.revision, revision)))
    .orderBy(asc(evaluations.sequence))
    .limit(maxPoints);
}
