import { sql, type SQL } from 'drizzle-orm';
import type { AuditEntry } from './audit.ts';
import { deletionMs, newGeneration } from './blobs.ts';
import type { Database, Statement } from './database.ts';
import { blobKey, manifestKey, signatureKey } from './published.ts';
import { asking, retrying } from './retry.ts';
import { deleteKeys } from './upload-parts.ts';

// Content that nothing refers to, and its end. A key is condemned in one batch that also forgets the content, so whoever
// wants to refer to it either did before, and the batch leaves it alone, or finds it gone. Then R2 deletes, and only after
// that the key may be written again. A deletion that died on the way is done again by the next collection.

/** Content looked at in one go; R2 deletes a thousand keys at once, and a manifest has two. */
export const sweepSize = 500;

export interface Sweep {
  /** Content touched since then stays. */
  cutoff: string;
  /** Only content that no other project has; undefined: of all projects. */
  project: string | undefined;
  /** Continues after this one. */
  after: string;
}

export interface Garbage {
  id: string;
  sizeBytes: number;
}

/** Bundles whose files are not known to the database: they were published before it kept them. */
export async function listUnindexed(db: Database, limit: number): Promise<string[]> {
  const rows = await db.all<{ id: string }>(sql`
    SELECT id FROM bundles b WHERE NOT EXISTS (SELECT 1 FROM bundle_files f WHERE f.bundle = b.id) LIMIT ${limit}`);
  return rows.map((row) => row.id);
}

/** Notes the files of such a bundle: they belong to every project that has the bundle. */
export async function indexBundle(
  db: Database,
  id: string,
  files: readonly { path: string; sha256: string; sizeBytes: number }[],
  at: string,
): Promise<void> {
  const listed = sql`json_each(${JSON.stringify(files)})`;
  await db.batch([
    db.run(sql`
      INSERT INTO blobs (sha256, size_bytes, generation, touched_at)
      SELECT DISTINCT value->>'sha256', value->>'sizeBytes', ${newGeneration()}, ${at} FROM ${listed}
      WHERE true ON CONFLICT (sha256) DO NOTHING`),
    db.run(sql`
      INSERT OR IGNORE INTO blob_owners (project, sha256)
      SELECT v.project, f.value->>'sha256' FROM versions v, ${listed} f WHERE v.kind = 'bundles' AND v.digest = ${id}`),
    db.run(sql`
      INSERT OR IGNORE INTO bundle_files (bundle, path, sha256)
      SELECT ${id}, value->>'path', value->>'sha256' FROM ${listed}`),
  ]);
}

/**
 * Notes content that lies in R2 and is unknown to the database: it was left there by a request that died, or came by
 * another way. Without this nothing would ever delete it.
 */
export async function adopt(
  db: Database,
  objects: readonly { key: string; id: string; sizeBytes: number; uploadedAt: string }[],
  kind: 'blob' | 'manifest',
): Promise<void> {
  const listed = sql`json_each(${JSON.stringify(objects)})`;
  const free = sql`value->>'key' NOT IN (SELECT key FROM condemned)`;
  if (kind === 'blob') {
    await db.run(sql`
      INSERT INTO blobs (sha256, size_bytes, generation, touched_at)
      SELECT value->>'id', value->>'sizeBytes', ${newGeneration()}, value->>'uploadedAt' FROM ${listed}
      WHERE ${free} ON CONFLICT (sha256) DO NOTHING`);
  } else {
    await db.run(sql`
      INSERT INTO manifests (id, generation, touched_at)
      SELECT value->>'id', ${newGeneration()}, value->>'uploadedAt' FROM ${listed}
      WHERE ${free} ON CONFLICT (id) DO NOTHING`);
  }
}

/** That nothing refers to the blob of the row, and that all that could refer to it is known. */
const unreferencedBlob = ({ cutoff, project }: Sweep): SQL => sql`
  touched_at < ${cutoff}
  AND NOT EXISTS (SELECT 1 FROM version_files f WHERE f.sha256 = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM bundle_files f WHERE f.sha256 = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM blob_uses u WHERE u.sha256 = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM bundles b WHERE NOT EXISTS (SELECT 1 FROM bundle_files f WHERE f.bundle = b.id))
  ${project === undefined ? sql`` : sql`AND NOT EXISTS (SELECT 1 FROM blob_owners o WHERE o.sha256 = blobs.sha256 AND o.project <> ${project})`}`;

const unreferencedManifest = ({ cutoff }: Sweep): SQL => sql`
  touched_at < ${cutoff} AND NOT EXISTS (SELECT 1 FROM bundles b WHERE b.id = manifests.id)`;

/** Some blobs that nothing refers to, in the order of their digests. */
export async function findLooseBlobs(db: Database, sweep: Sweep): Promise<Garbage[]> {
  return db.all<Garbage>(sql`
    SELECT sha256 AS id, size_bytes AS sizeBytes FROM blobs
    WHERE sha256 > ${sweep.after} AND ${unreferencedBlob(sweep)} ORDER BY sha256 LIMIT ${sweepSize}`);
}

/** Some manifests that are no bundle, in the order of their digests. */
export async function findLooseManifests(db: Database, sweep: Sweep): Promise<Garbage[]> {
  return db.all<Garbage>(sql`
    SELECT id, 0 AS sizeBytes FROM manifests
    WHERE id > ${sweep.after} AND ${unreferencedManifest(sweep)} ORDER BY id LIMIT ${sweepSize}`);
}

/** Deletes those of the blobs that still nothing refers to; answers which. */
export async function deleteBlobs(
  { db, bucket }: Place,
  found: readonly Garbage[],
  sweep: Sweep,
  entry: AuditEntry,
): Promise<Garbage[]> {
  const stamp = stampOf(entry.at);
  const loose = sql`sha256 IN (SELECT value FROM json_each(${idsOf(found)})) AND ${unreferencedBlob(sweep)}`;
  const keys = await condemn(db, stamp, entry, [
    db.run(sql`
      INSERT INTO condemned (key, at) SELECT 'blobs/' || sha256, ${stamp} FROM blobs WHERE ${loose}`),
    db.run(sql`DELETE FROM blob_owners WHERE sha256 IN (SELECT sha256 FROM blobs WHERE ${loose})`),
    db.run(sql`DELETE FROM blobs WHERE ${loose}`),
  ]);
  await carryOut({ db, bucket }, keys, stamp);
  return found.filter(({ id }) => keys.includes(blobKey(id)));
}

/** Deletes those of the manifests that still are no bundle, with their signatures; answers which. */
export async function deleteManifests(
  { db, bucket }: Place,
  found: readonly Garbage[],
  sweep: Sweep,
  entry: AuditEntry,
): Promise<Garbage[]> {
  const stamp = stampOf(entry.at);
  const loose = sql`id IN (SELECT value FROM json_each(${idsOf(found)})) AND ${unreferencedManifest(sweep)}`;
  const keys = await condemn(db, stamp, entry, [
    db.run(sql`
      INSERT INTO condemned (key, at) SELECT 'manifests/' || id || '.json', ${stamp} FROM manifests WHERE ${loose}`),
    db.run(sql`DELETE FROM manifests WHERE ${loose}`),
  ]);
  await carryOut({ db, bucket }, keys, stamp);
  return found.filter(({ id }) => keys.includes(manifestKey(id)));
}

/** Finishes deletions that an earlier collection began and did not end; answers the keys. */
export async function finishDeletions({ db, bucket }: Place, at: string): Promise<string[]> {
  const stamp = stampOf(at);
  const lapsed = new Date(Date.parse(at) - deletionMs).toISOString();
  await db.run(sql`
    UPDATE condemned SET at = ${stamp}
    WHERE key IN (SELECT key FROM condemned WHERE at < ${lapsed} LIMIT ${sweepSize})`);
  const keys = await condemnedBy(db, stamp);
  await carryOut({ db, bucket }, keys, stamp);
  return keys;
}

interface Place {
  db: Database;
  bucket: R2Bucket;
}

const idsOf = (found: readonly Garbage[]): string => JSON.stringify(found.map(({ id }) => id));

/** The time, and whose: what one call condemned no other may forgive. */
const stampOf = (at: string): string => `${at} ${newGeneration()}`;

/** Condemns by the statements given; answers the keys. */
async function condemn(
  db: Database,
  stamp: string,
  entry: AuditEntry,
  statements: readonly [Statement, ...Statement[]],
): Promise<string[]> {
  await db.batch([
    ...statements,
    db.run(sql`
      INSERT INTO audit (at, actor, action, subject, detail)
      SELECT ${entry.at}, ${entry.actor}, ${entry.action}, ${entry.subject}, json_object('keys', json_group_array(key))
      FROM condemned WHERE at = ${stamp} HAVING COUNT(*) > 0`),
  ]);
  return condemnedBy(db, stamp);
}

async function condemnedBy(db: Database, stamp: string): Promise<string[]> {
  const rows = await db.all<{ key: string }>(sql`SELECT key FROM condemned WHERE at = ${stamp}`);
  return rows.map((row) => row.key);
}

/** Deletes what was condemned, a manifest with its signature; then its keys may be written again. */
async function carryOut({ db, bucket }: Place, keys: readonly string[], stamp: string): Promise<void> {
  const beside = keys.flatMap((key) => {
    const id = places.manifest[1].exec(key)?.[1];
    return id === undefined ? [] : [signatureKey(id)];
  });
  await deleteKeys(bucket, [...keys, ...beside]);
  await retrying(() => db.run(sql`DELETE FROM condemned WHERE at = ${stamp}`));
}

/** What lies in R2 under a prefix, a page at a time. */
export async function listContent(
  bucket: R2Bucket,
  kind: 'blob' | 'manifest' | 'signature',
  cursor: string | undefined,
): Promise<{
  objects: { key: string; id: string; sizeBytes: number; uploadedAt: string }[];
  next: string | null;
}> {
  const [prefix, form] = places[kind];
  const page = await asking('list content', () =>
    bucket.list({ prefix, limit: 1000, ...(cursor === undefined ? {} : { cursor }) }),
  );
  const objects = page.objects.flatMap(({ key, size, uploaded }) => {
    const id = form.exec(key)?.[1];
    if (id === undefined) return [];
    // A signature is deleted with its manifest.
    const owner = kind === 'signature' ? manifestKey(id) : key;
    return [{ key: owner, id, sizeBytes: size, uploadedAt: uploaded.toISOString() }];
  });
  return { objects, next: page.truncated ? page.cursor : null };
}

const places = {
  blob: ['blobs/', /^blobs\/([0-9a-f]{64})$/],
  manifest: ['manifests/', /^manifests\/([0-9a-f]{64})\.json$/],
  signature: ['signatures/', /^signatures\/([0-9a-f]{64})\.json$/],
} as const;
