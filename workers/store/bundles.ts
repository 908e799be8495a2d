import { eq, inArray, sql } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import { announce, beingDeleted, newGeneration } from './blobs.ts';
import type { Database, Statement } from './database.ts';
import { manifestKey } from './published.ts';
import { bundles } from './schema.ts';
import { manifests } from './schema/registry.ts';

export type BundleRow = typeof bundles.$inferSelect;

/** A bundle whose manifest and files are in R2. */
export interface NewBundle {
  row: Omit<BundleRow, 'sequence'>;
  /** As `announceManifest` answered. */
  generation: string;
  files: readonly { path: string; sha256: string }[];
}

/**
 * Says that a manifest, and what is stored beside it, is about to be written.
 *
 * @returns its generation, for `insertBundle`
 * @throws {TrunklineError} `unavailable` while the same manifest is being deleted
 */
export async function announceManifest(db: Database, id: string, at: string): Promise<string> {
  const [clear, insert] = announce(db, manifestKey(id), at, (free) =>
    db.run(sql`
      INSERT INTO manifests (id, generation, touched_at) SELECT ${id}, ${newGeneration()}, ${at} WHERE ${free}
      ON CONFLICT (id) DO UPDATE SET touched_at = max(touched_at, excluded.touched_at)`),
  );
  const found = db.select().from(manifests).where(eq(manifests.id, id));
  const [row] = (await db.batch([clear, insert, found]))[2];
  if (row === undefined) throw beingDeleted(`the manifest of bundle ${id}`);
  return row.generation;
}

/**
 * Adds a bundle together with the version that it becomes.
 *
 * @throws a duplicate error (`isDuplicate`) when the bundle is there already, a missing reference (`isMissingReference`)
 *   when a file or the manifest was deleted in between
 */
export async function insertBundle(
  db: Database,
  { row, generation, files }: NewBundle,
  entry: AuditEntry,
  also: readonly Statement[] = [],
): Promise<void> {
  await db.batch([
    db.insert(bundles).values(row),
    // Null, and so refused, when the manifest is of another generation.
    db.run(sql`
      INSERT INTO bundle_files (bundle, path, sha256)
      SELECT (SELECT id FROM manifests WHERE id = ${row.id} AND generation = ${generation}), value->>'path', value->>'sha256'
      FROM json_each(${JSON.stringify(files)})`),
    auditInsert(db, entry),
    ...also,
  ]);
}

export async function findBundle(db: Database, id: string): Promise<BundleRow | undefined> {
  return db.select().from(bundles).where(eq(bundles.id, id)).get();
}

/** The rows of those ids that exist, in no order. The ids go in as one parameter: D1 binds 100 at most. */
export async function findBundles(db: Database, ids: string[]): Promise<BundleRow[]> {
  const listed = sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  return db.select().from(bundles).where(inArray(bundles.id, listed));
}
