import { and, desc, eq, lt } from 'drizzle-orm';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { audit } from './schema.ts';

export type AuditRow = typeof audit.$inferSelect;
/** Of the default project, when none is named. */
export type AuditEntry = Omit<AuditRow, 'sequence' | 'project'> & { project?: string };

/** The statement that records a change; it goes into the batch that makes the change, so neither is there alone. */
export const auditInsert = (db: Database, entry: AuditEntry) => db.insert(audit).values(entry);

/** Newest first, of all projects when none is named; `before` is the `next` of the page before. */
export async function listAudit(
  db: Database,
  project?: string,
  before?: number,
): Promise<Page<AuditRow, number>> {
  const rows = await db
    .select()
    .from(audit)
    .where(
      and(
        project === undefined ? undefined : eq(audit.project, project),
        before === undefined ? undefined : lt(audit.sequence, before),
      ),
    )
    .orderBy(desc(audit.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}

/** Records a change that D1 itself does not hold. */
export async function recordAudit(db: Database, entry: AuditEntry): Promise<void> {
  await auditInsert(db, entry);
}
