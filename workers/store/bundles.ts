import { desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { bundles } from './schema.ts';

export type BundleRow = typeof bundles.$inferSelect;

/** @throws a duplicate error (`isDuplicate`) when the bundle is there already. */
export async function insertBundle(
  db: Database,
  row: Omit<BundleRow, 'sequence'>,
  entry: AuditEntry,
): Promise<void> {
  await db.batch([db.insert(bundles).values(row), auditInsert(db, entry)]);
}

export async function findBundle(db: Database, id: string): Promise<BundleRow | undefined> {
  return db.select().from(bundles).where(eq(bundles.id, id)).get();
}

/** The rows of those ids that exist, in no order. The ids go in as one parameter: D1 binds 100 at most. */
export async function findBundles(db: Database, ids: string[]): Promise<BundleRow[]> {
  const listed = sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  return db.select().from(bundles).where(inArray(bundles.id, listed));
}

/** Newest first. */
export async function listBundles(db: Database, before?: number): Promise<Page<BundleRow, number>> {
  const rows = await db
    .select()
    .from(bundles)
    .where(before === undefined ? undefined : lt(bundles.sequence, before))
    .orderBy(desc(bundles.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}
