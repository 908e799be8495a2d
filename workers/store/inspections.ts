import { and, eq } from 'drizzle-orm';
import type { Inspection } from '../../shared/inspection.ts';
import type { Database } from './database.ts';
import { inspections } from './schema/registry.ts';
import type { VersionKey } from './versions.ts';

/** The statement that keeps what a runner read of a version, in place of what was read before. */
export const inspectionStatement = (db: Database, row: typeof inspections.$inferInsert) =>
  db
    .insert(inspections)
    .values(row)
    .onConflictDoUpdate({
      target: [inspections.project, inspections.kind, inspections.name, inspections.version],
      set: { at: row.at, document: row.document },
    });

export async function findInspection(
  db: Database,
  { project, kind, name, version }: VersionKey,
): Promise<{ at: string; document: Inspection } | undefined> {
  return db
    .select({ at: inspections.at, document: inspections.document })
    .from(inspections)
    .where(
      and(
        eq(inspections.project, project),
        eq(inspections.kind, kind),
        eq(inspections.name, name),
        eq(inspections.version, version),
      ),
    )
    .get();
}
