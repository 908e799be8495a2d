import { sql } from 'drizzle-orm';
import type { LineageLink } from '../../shared/registry.ts';
import type { Database } from './database.ts';
import type { Parent, VersionKey } from './versions.ts';

/** What a version was made from, and what was made from it. At most a thousand of each. */
export async function readLineage(
  db: Database,
  { project, kind, name, version }: VersionKey,
): Promise<{ parents: LineageLink[]; children: LineageLink[] }> {
  const links = sql`v.kind, v.name, v.version, v.digest, l.role, NULLIF(l.task, '') AS task`;
  const [parents, children] = await Promise.all([
    db.all<LineageLink>(sql`
      SELECT ${links} FROM lineage l JOIN versions v ON v.project = l.project AND v.kind = l.parent_kind
        AND v.name = l.parent_name AND v.version = l.parent_version
      WHERE l.project = ${project} AND l.kind = ${kind} AND l.name = ${name} AND l.version = ${version}
      ORDER BY l.task, l.role DESC LIMIT 1000`),
    db.all<LineageLink>(sql`
      SELECT ${links} FROM lineage l JOIN versions v ON v.project = l.project AND v.kind = l.kind
        AND v.name = l.name AND v.version = l.version
      WHERE l.project = ${project} AND l.parent_kind = ${kind} AND l.parent_name = ${name}
        AND l.parent_version = ${version}
      ORDER BY v.sequence DESC LIMIT 1000`),
  ]);
  return { parents, children };
}

/**
 * The models of a merge that are registered: for each task the newest version with the file of that digest, of the same
 * name before any other.
 */
export async function findModels(
  db: Database,
  project: string,
  models: readonly { task: string; name: string; sha256: string }[],
): Promise<Parent[]> {
  const rows = await db.all<{ task: string; name: string; version: number }>(sql`
    SELECT task, name, version FROM (
      SELECT m.value->>'task' AS task, f.name, f.version, ROW_NUMBER() OVER (
        PARTITION BY m.value->>'task' ORDER BY f.name = m.value->>'name' DESC, v.sequence DESC) AS place
      FROM json_each(${JSON.stringify(models)}) m
      JOIN version_files f ON f.sha256 = m.value->>'sha256' AND f.project = ${project} AND f.kind = 'models'
      JOIN versions v ON v.project = f.project AND v.kind = f.kind AND v.name = f.name AND v.version = f.version)
    WHERE place = 1`);
  return rows.map((row) => ({ ...row, kind: 'models', role: 'model' }));
}
