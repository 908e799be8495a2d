import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { apiKeys } from './schema.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;

export async function insertApiKey(
  db: Database,
  row: Omit<ApiKeyRow, 'sequence' | 'revokedAt' | 'project'> & { project?: string },
  entry: AuditEntry,
): Promise<void> {
  await db.batch([db.insert(apiKeys).values(row), auditInsert(db, entry)]);
}

export async function findApiKey(db: Database, id: string): Promise<ApiKeyRow | undefined> {
  return db.select().from(apiKeys).where(eq(apiKeys.id, id)).get();
}

export async function findApiKeyByHash(db: Database, hash: string): Promise<ApiKeyRow | undefined> {
  return db.select().from(apiKeys).where(eq(apiKeys.hash, hash)).get();
}

/** Newest first, revoked ones included; of all projects when none is named. */
export async function listApiKeys(
  db: Database,
  project: string | undefined,
  before?: number,
): Promise<Page<ApiKeyRow, number>> {
  const rows = await db
    .select()
    .from(apiKeys)
    .where(
      and(
        project === undefined ? undefined : eq(apiKeys.project, project),
        before === undefined ? undefined : lt(apiKeys.sequence, before),
      ),
    )
    .orderBy(desc(apiKeys.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}

/** Marks the key as revoked; a key that was revoked before keeps its time. */
export async function markRevoked(db: Database, id: string, at: string, entry: AuditEntry): Promise<void> {
  await db.batch([
    db
      .update(apiKeys)
      .set({ revokedAt: at })
      .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt))),
    auditInsert(db, entry),
  ]);
}
