import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { Kind } from '../../shared/registry.ts';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { items } from './schema/registry.ts';

/** What an item is found by. */
export interface ItemKey {
  project: string;
  kind: Kind;
  name: string;
}

export type ItemRow = typeof items.$inferSelect & {
  /** The newest version there is; null: all were deleted. */
  latest: number | null;
  versions: number;
  aliases: Record<string, number>;
};

export const isItem = ({ project, kind, name }: ItemKey): SQL | undefined =>
  and(eq(items.project, project), eq(items.kind, kind), eq(items.name, name));

interface FoundItem {
  project: string;
  kind: Kind;
  name: string;
  owner: string;
  tags: string;
  card: string;
  lastVersion: number;
  createdAt: string;
  changedAt: string;
  latest: number | null;
  versions: number;
  aliases: string;
}

/** Rows with what their versions and aliases say of them. */
const select = (where: SQL, card: SQL): SQL => sql`
  SELECT i.project, i.kind, i.name, i.owner, i.tags, ${card} AS card, i.last_version AS lastVersion,
    i.created_at AS createdAt, i.changed_at AS changedAt,
    (SELECT MAX(version) FROM versions v WHERE v.project = i.project AND v.kind = i.kind AND v.name = i.name) AS latest,
    (SELECT COUNT(*) FROM versions v WHERE v.project = i.project AND v.kind = i.kind AND v.name = i.name) AS versions,
    (SELECT json_group_object(alias, version) FROM aliases a
      WHERE a.project = i.project AND a.kind = i.kind AND a.name = i.name) AS aliases
  FROM items i WHERE ${where}`;

const parse = ({ tags, aliases, ...row }: FoundItem): ItemRow => ({
  ...row,
  tags: JSON.parse(tags) as Record<string, string>,
  aliases: JSON.parse(aliases) as Record<string, number>,
});

export async function findItem(db: Database, { project, kind, name }: ItemKey): Promise<ItemRow | undefined> {
  const where = sql`i.project = ${project} AND i.kind = ${kind} AND i.name = ${name}`;
  const [row] = await db.all<FoundItem>(select(where, sql`i.card`));
  return row && parse(row);
}

/** By name, without their cards; `query` keeps those that have it in their name or tags. `after`: the `next` before. */
export async function listItems(
  db: Database,
  { project, kind }: Pick<ItemKey, 'project' | 'kind'>,
  { query, after }: { query?: string | undefined; after?: string | undefined } = {},
): Promise<Page<ItemRow, string>> {
  const like = `%${(query ?? '').replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const matching = sql`AND (i.name LIKE ${like} ESCAPE '\\' OR i.tags LIKE ${like} ESCAPE '\\')`;
  const where = sql`i.project = ${project} AND i.kind = ${kind} AND i.name > ${after ?? ''}
    ${query === undefined ? sql`` : matching} ORDER BY i.name LIMIT ${pageSize + 1}`;
  const rows = await db.all<FoundItem>(select(where, sql`''`));
  return toPage(rows.map(parse), (row) => row.name);
}

/** Changes an item that is there. */
export async function changeItem(
  db: Database,
  key: ItemKey,
  set: { tags: Record<string, string> } | { card: string },
  entry: AuditEntry,
): Promise<void> {
  await db.batch([
    db
      .update(items)
      .set({ ...set, changedAt: entry.at })
      .where(isItem(key)),
    auditInsert(db, entry),
  ]);
}
