import { and, eq, sql } from 'drizzle-orm';
import { toHex } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { auditInsert, type AuditEntry } from './audit.ts';
import { isMissingReference, type Database, type Statement } from './database.ts';
import { blobKey } from './published.ts';
import { blobOwners, blobs } from './schema/registry.ts';

// Which content is in R2, and which projects may refer to it. Content is written in three steps: say that it is coming
// (which keeps the garbage collection from it), write it, own it. Whoever owns it may refer to it.

/**
 * Milliseconds after which a deletion that was begun cannot still be on its way to R2: its request ended long before. Until
 * then nobody writes the key, or a late deletion would take what is new.
 */
export const deletionMs = 300_000;

export const newGeneration = (): string => toHex(crypto.getRandomValues(new Uint8Array(8)));

/** Statements that announce content under an R2 key: they add nothing while the key is being deleted. */
export function announce(
  db: Database,
  key: string,
  at: string,
  insert: (free: ReturnType<typeof sql>) => Statement,
) {
  const lapsed = new Date(Date.parse(at) - deletionMs).toISOString();
  const free = sql`NOT EXISTS (SELECT 1 FROM condemned WHERE key = ${key})`;
  return [db.run(sql`DELETE FROM condemned WHERE key = ${key} AND at < ${lapsed}`), insert(free)] as const;
}

/** The refusal while a key is being deleted. */
export const beingDeleted = (what: string): TrunklineError =>
  new TrunklineError(
    'unavailable',
    `Cannot store ${what}: the same content is being deleted now; send it again in ${deletionMs / 60_000} minutes.`,
  );

/**
 * Says that a blob is about to be written.
 *
 * @returns its generation, for `ownBlob`
 * @throws {TrunklineError} `unavailable` while the same content is being deleted
 */
export async function announceBlob(
  db: Database,
  { sha256, sizeBytes }: { sha256: string; sizeBytes: number },
  at: string,
): Promise<string> {
  const [clear, insert] = announce(db, blobKey(sha256), at, (free) =>
    db.run(sql`
      INSERT INTO blobs (sha256, size_bytes, generation, touched_at)
      SELECT ${sha256}, ${sizeBytes}, ${newGeneration()}, ${at} WHERE ${free}
      ON CONFLICT (sha256) DO UPDATE SET touched_at = max(touched_at, excluded.touched_at)`),
  );
  const found = db.select().from(blobs).where(eq(blobs.sha256, sha256));
  const [row] = (await db.batch([clear, insert, found]))[2];
  if (row === undefined) throw beingDeleted(`blob ${sha256}`);
  return row.generation;
}

/**
 * Says that the announced blob is in R2, and that the project had it in hand. `also` goes into the same batch.
 *
 * @throws {TrunklineError} `unavailable` when it was deleted in between
 */
export async function ownBlob(
  db: Database,
  blob: { project: string; sha256: string; sizeBytes: number; generation: string },
  entry: AuditEntry,
  also: readonly Statement[] = [],
): Promise<void> {
  const { project, sha256, sizeBytes, generation } = blob;
  const same = and(eq(blobs.sha256, sha256), eq(blobs.generation, generation));
  try {
    await db.batch([
      // Null, and so refused, when the blob is of another generation.
      db.run(sql`
        INSERT INTO blob_owners (project, sha256)
        VALUES (${project}, (SELECT sha256 FROM blobs WHERE sha256 = ${sha256} AND generation = ${generation}))
        ON CONFLICT (project, sha256) DO NOTHING`),
      db.update(blobs).set({ sizeBytes, touchedAt: entry.at }).where(same),
      auditInsert(db, entry),
      ...also,
    ]);
  } catch (cause) {
    if (!isMissingReference(cause)) throw cause;
    throw new TrunklineError(
      'unavailable',
      `Cannot store blob ${sha256}: it was deleted while it was being stored; send it again.`,
      { cause },
    );
  }
}

/** Bytes of a blob the project may refer to, or null. */
export async function ownedSize(db: Database, project: string, sha256: string): Promise<number | null> {
  const row = await db
    .select({ sizeBytes: blobs.sizeBytes })
    .from(blobOwners)
    .innerJoin(blobs, eq(blobs.sha256, blobOwners.sha256))
    .where(and(eq(blobOwners.project, project), eq(blobOwners.sha256, sha256)))
    .get();
  return row?.sizeBytes ?? null;
}

/** Sizes of those blobs that the project may refer to. */
export async function ownedSizes(
  db: Database,
  project: string,
  digests: readonly string[],
): Promise<Map<string, number>> {
  const rows = await db.all<{ sha256: string; sizeBytes: number }>(sql`
    SELECT b.sha256, b.size_bytes AS sizeBytes FROM blob_owners o JOIN blobs b ON b.sha256 = o.sha256
    WHERE o.project = ${project} AND o.sha256 IN (SELECT value FROM json_each(${JSON.stringify(digests)}))`);
  return new Map(rows.map((row) => [row.sha256, row.sizeBytes]));
}
