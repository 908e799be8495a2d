import { and, desc, eq, lt, sql, type SQL } from 'drizzle-orm';
import type { Kind, VersionChoice, VersionDocument } from '../../shared/registry.ts';
import type { AuditEntry } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { isItem, type ItemKey } from './items.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { aliases, items, versions } from './schema/registry.ts';

export type VersionRow = typeof versions.$inferSelect;
export interface VersionKey extends ItemKey {
  version: number;
}

/** A version another one was made from. */
export interface Parent {
  kind: Kind;
  name: string;
  version: number;
  role: 'model' | 'data';
  task: string | null;
}

export interface NewVersion extends ItemKey {
  digest: string;
  document: VersionDocument;
  sizeBytes: number;
  /** Blobs it keeps; a bundle's are kept by the bundle. */
  files: readonly { path: string; sha256: string }[];
  parents: readonly Parent[];
}

const isNamed = ({ project, kind, name }: ItemKey): SQL | undefined =>
  and(eq(versions.project, project), eq(versions.kind, kind), eq(versions.name, name));

/** The row as a condition; `versions` may stand under another name in the statement. */
export const isVersion = (key: VersionKey): SQL | undefined =>
  and(isNamed(key), eq(versions.version, key.version));

/**
 * The statements that give a name its next version, and the name an item if it is new. The batch they are in fails with a
 * duplicate error (`isDuplicate`) when the name has this document already, and with a missing reference
 * (`isMissingReference`) when a file is no blob of the project or a parent is gone.
 */
export function insertVersionStatements(
  db: Database,
  row: NewVersion,
  { at, actor }: { at: string; actor: string },
): [Statement, ...Statement[]] {
  const { project, kind, name, digest, document, sizeBytes, files, parents } = row;
  const here = sql`items.project = ${project} AND items.kind = ${kind} AND items.name = ${name}`;
  return [
    db
      .insert(items)
      .values({
        project,
        kind,
        name,
        owner: actor,
        tags: {},
        card: '',
        lastVersion: 1,
        createdAt: at,
        changedAt: at,
      })
      .onConflictDoUpdate({
        target: [items.project, items.kind, items.name],
        set: { lastVersion: sql`${items.lastVersion} + 1`, changedAt: at },
      }),
    db.run(sql`
      INSERT INTO versions (project, kind, name, version, digest, document, size_bytes, created_at, created_by)
      SELECT project, kind, name, last_version, ${digest}, ${JSON.stringify(document)}, ${sizeBytes}, ${at}, ${actor}
      FROM items WHERE ${here}`),
    db.run(sql`
      INSERT INTO version_files (project, kind, name, version, path, sha256)
      SELECT project, kind, name, last_version, f.value->>'path', f.value->>'sha256'
      FROM items, json_each(${JSON.stringify(files)}) f WHERE ${here}`),
    db.run(sql`
      INSERT INTO lineage (project, kind, name, version, parent_kind, parent_name, parent_version, role, task)
      SELECT DISTINCT project, kind, name, last_version, p.value->>'kind', p.value->>'name', p.value->>'version',
        p.value->>'role', COALESCE(p.value->>'task', '')
      FROM items, json_each(${JSON.stringify(parents)}) p WHERE ${here}`),
    db.run(sql`
      INSERT INTO audit (at, project, actor, action, subject, detail)
      SELECT ${at}, project, ${actor}, 'version.register', kind || '/' || name,
        json_object('version', last_version, 'digest', ${digest})
      FROM items WHERE ${here}`),
  ];
}

/** Which version a choice means now, or undefined when there is none. */
export async function findVersion(
  db: Database,
  key: ItemKey,
  choice: VersionChoice,
): Promise<VersionRow | undefined> {
  const from = db.select().from(versions);
  if (choice === 'latest') return from.where(isNamed(key)).orderBy(desc(versions.version)).limit(1).get();
  if ('version' in choice) return from.where(isVersion({ ...key, version: choice.version })).get();
  const aliased = db
    .select({ version: aliases.version })
    .from(aliases)
    .where(
      and(
        eq(aliases.project, key.project),
        eq(aliases.kind, key.kind),
        eq(aliases.name, key.name),
        eq(aliases.alias, choice.alias),
      ),
    );
  return from.where(and(isNamed(key), eq(versions.version, aliased))).get();
}

export async function findVersionByDigest(
  db: Database,
  key: ItemKey,
  digest: string,
): Promise<VersionRow | undefined> {
  return db
    .select()
    .from(versions)
    .where(and(isNamed(key), eq(versions.digest, digest)))
    .get();
}

/** Whether the project has this bundle under any name. */
export async function hasBundle(db: Database, project: string, bundle: string): Promise<boolean> {
  return (await bundlesAmong(db, project, [bundle])).has(bundle);
}

/** Those of the bundles that the project has under some name. */
export async function bundlesAmong(
  db: Database,
  project: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await db.all<{ digest: string }>(sql`
    SELECT DISTINCT digest FROM versions
    WHERE project = ${project} AND kind = 'bundles' AND digest IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
  return new Set(rows.map((row) => row.digest));
}

/** Newest first. */
export async function listVersions(
  db: Database,
  key: ItemKey,
  before?: number,
): Promise<Page<VersionRow, number>> {
  const rows = await db
    .select()
    .from(versions)
    .where(and(isNamed(key), before === undefined ? undefined : lt(versions.version, before)))
    .orderBy(desc(versions.version))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.version);
}

/** Why a version cannot be deleted: what refers to it, in words. */
export async function findReferences(db: Database, key: VersionKey): Promise<string[]> {
  const { project, kind, name, version } = key;
  const rows = await db.all<{ why: string }>(sql`
    SELECT 'alias "' || alias || '" points at it' AS why FROM aliases
      WHERE project = ${project} AND kind = ${kind} AND name = ${name} AND version = ${version}
    UNION SELECT kind || '/' || name || '@' || version || ' was made from it' FROM lineage
      WHERE project = ${project} AND parent_kind = ${kind} AND parent_name = ${name} AND parent_version = ${version}
    UNION SELECT holder || ' needs it' FROM version_uses
      WHERE project = ${project} AND kind = ${kind} AND name = ${name} AND version = ${version}
    UNION SELECT r."by" || ' "' || r.name || '" serves or compares it, or did (' ||
        CASE r."by" WHEN 'endpoint' THEN 'revision ' ELSE 'version ' END || r.number || ')'
      FROM bundle_references r JOIN versions v ON v.digest = r.bundle
      WHERE r.project = ${project} AND ${servedOnlyBy('v', key)}
    LIMIT 20`);
  return rows.map((row) => row.why);
}

/** The row under `alias` is this version, of a bundle that the project has under no other name. */
function servedOnlyBy(alias: string, { project, kind, name, version }: VersionKey): SQL {
  const v = sql.raw(alias);
  return sql`${v}.kind = 'bundles' AND ${v}.project = ${project} AND ${v}.kind = ${kind} AND ${v}.name = ${name}
    AND ${v}.version = ${version} AND NOT EXISTS (
      SELECT 1 FROM versions other WHERE other.project = ${v}.project AND other.kind = 'bundles'
        AND other.digest = ${v}.digest AND other.sequence <> ${v}.sequence)`;
}

/**
 * Deletes a version, and a bundle that is then no version of any name. Nothing is deleted while something refers to it:
 * aliases, children and uses make the batch fail with a missing reference (`isMissingReference`); with endpoints and
 * experiments the answer is false, as it is when there is no such version.
 */
export async function deleteVersion(
  db: Database,
  key: VersionKey & { digest: string },
  entry: AuditEntry,
): Promise<boolean> {
  const { project, kind, name, version, digest } = key;
  const free = sql`versions.project = ${project} AND versions.kind = ${kind} AND versions.name = ${name}
    AND versions.version = ${version} AND NOT EXISTS (
      SELECT 1 FROM bundle_references r
      WHERE r.bundle = versions.digest AND r.project = ${project} AND ${servedOnlyBy('versions', key)})`;
  const unnamed = sql`id = ${digest} AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.kind = 'bundles' AND v.digest = bundles.id)
    AND NOT EXISTS (SELECT 1 FROM bundle_references r WHERE r.bundle = bundles.id)`;
  const [, , deleted] = await db.batch([
    db.run(sql`
      INSERT INTO audit (at, project, actor, action, subject, detail)
      SELECT ${entry.at}, ${project}, ${entry.actor}, ${entry.action}, ${entry.subject},
        json_object('version', version, 'digest', digest) FROM versions WHERE ${free}`),
    db
      .update(items)
      .set({ changedAt: entry.at })
      .where(and(isItem(key), sql`EXISTS (SELECT 1 FROM versions WHERE ${free})`)),
    db.run(sql`DELETE FROM versions WHERE ${free}`),
    db.run(sql`
      DELETE FROM bundle_files WHERE bundle IN (SELECT id FROM bundles WHERE ${unnamed})`),
    db.run(sql`DELETE FROM bundles WHERE ${unnamed}`),
  ]);
  return deleted.meta.changes > 0;
}
