import type { Database } from './database.ts';
import { inspections } from './schema/registry.ts';

/** The statement that keeps what a runner read of a version, in place of what was read before. */
export const inspectionStatement = (db: Database, row: typeof inspections.$inferInsert) =>
  db
    .insert(inspections)
    .values(row)
    .onConflictDoUpdate({
      target: [inspections.project, inspections.kind, inspections.name, inspections.version],
      set: { at: row.at, document: row.document },
    });
