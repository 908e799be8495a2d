import { and, desc, eq, lt } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { isItem, type ItemKey } from './items.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { aliasChanges, aliases, items } from './schema/registry.ts';

export type AliasChangeRow = typeof aliasChanges.$inferSelect;

const isAlias = ({ project, kind, name }: ItemKey, alias: string) =>
  and(eq(aliases.project, project), eq(aliases.kind, kind), eq(aliases.name, name), eq(aliases.alias, alias));

/** The version the alias points at, or undefined. */
export async function findAlias(db: Database, key: ItemKey, alias: string): Promise<number | undefined> {
  const row = await db.select({ version: aliases.version }).from(aliases).where(isAlias(key, alias)).get();
  return row?.version;
}

/** @throws a missing reference (`isMissingReference`) when there is no such version */
export async function writeAlias(
  db: Database,
  { project, kind, name }: ItemKey,
  { alias, version }: { alias: string; version: number },
  entry: AuditEntry,
): Promise<void> {
  const key = { project, kind, name };
  const changed = { changedAt: entry.at, changedBy: entry.actor };
  await db.batch([
    db
      .insert(aliases)
      .values({ ...key, alias, version })
      .onConflictDoUpdate({
        target: [aliases.project, aliases.kind, aliases.name, aliases.alias],
        set: { version },
      }),
    db.insert(aliasChanges).values({ ...key, alias, version, ...changed }),
    db.update(items).set({ changedAt: entry.at }).where(isItem(key)),
    auditInsert(db, entry),
  ]);
}

export async function removeAlias(
  db: Database,
  { project, kind, name }: ItemKey,
  alias: string,
  entry: AuditEntry,
): Promise<void> {
  const key = { project, kind, name };
  const changed = { changedAt: entry.at, changedBy: entry.actor };
  await db.batch([
    db.delete(aliases).where(isAlias(key, alias)),
    db.insert(aliasChanges).values({ ...key, alias, version: null, ...changed }),
    db.update(items).set({ changedAt: entry.at }).where(isItem(key)),
    auditInsert(db, entry),
  ]);
}

/** Newest first. */
export async function listAliasChanges(
  db: Database,
  { project, kind, name }: ItemKey,
  alias: string,
  before?: number,
): Promise<Page<AliasChangeRow, number>> {
  const rows = await db
    .select()
    .from(aliasChanges)
    .where(
      and(
        eq(aliasChanges.project, project),
        eq(aliasChanges.kind, kind),
        eq(aliasChanges.name, name),
        eq(aliasChanges.alias, alias),
        before === undefined ? undefined : lt(aliasChanges.sequence, before),
      ),
    )
    .orderBy(desc(aliasChanges.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}
