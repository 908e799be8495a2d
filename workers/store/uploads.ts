import { and, asc, eq, lt, sql } from 'drizzle-orm';
import type { Database, Statement } from './database.ts';
import { uploads } from './schema/registry.ts';

export type UploadRow = typeof uploads.$inferSelect;

/** The upload of this file that this key has open already, if any. */
export async function findOpenUpload(
  db: Database,
  { project, owner, sha256, sizeBytes }: Pick<UploadRow, 'project' | 'owner' | 'sha256' | 'sizeBytes'>,
): Promise<UploadRow | undefined> {
  return db
    .select()
    .from(uploads)
    .where(
      and(
        eq(uploads.project, project),
        eq(uploads.owner, owner),
        eq(uploads.sha256, sha256),
        eq(uploads.sizeBytes, sizeBytes),
        eq(uploads.state, 'open'),
      ),
    )
    .get();
}

/** @throws a duplicate error (`isDuplicate`) when this key has the same file open already */
export async function insertUpload(db: Database, row: UploadRow): Promise<void> {
  await db.insert(uploads).values(row);
}

export async function findUpload(db: Database, project: string, id: string): Promise<UploadRow | undefined> {
  return db
    .select()
    .from(uploads)
    .where(and(eq(uploads.project, project), eq(uploads.id, id)))
    .get();
}

const isOpen = (id: string) => and(eq(uploads.id, id), eq(uploads.state, 'open'));

/** Lets an open upload live longer; answers whether it is open. */
export async function extendUpload(db: Database, id: string, expiresAt: string): Promise<boolean> {
  const { meta } = await db.update(uploads).set({ expiresAt }).where(isOpen(id)).run();
  return meta.changes > 0;
}

/** From now on no part is taken. */
export async function closeUpload(db: Database, id: string): Promise<void> {
  await db.update(uploads).set({ state: 'closed' }).where(isOpen(id));
}

/** The blob is there; the row stays a while for a client that asks again. */
export const storedUploadStatement = (db: Database, id: string, expiresAt: string): Statement =>
  db.update(uploads).set({ state: 'stored', expiresAt }).where(isOpen(id));

/** Uploads that ran out before `at`, or were closed; oldest first. */
export async function listEndedUploads(db: Database, at: string, limit: number): Promise<UploadRow[]> {
  return db
    .select()
    .from(uploads)
    .where(sql`${lt(uploads.expiresAt, at)} OR ${eq(uploads.state, 'closed')}`)
    .orderBy(asc(uploads.expiresAt))
    .limit(limit);
}

/** Forgets an upload that ended; one that was extended meanwhile stays. */
export async function deleteUpload(db: Database, id: string, at: string): Promise<void> {
  await db
    .delete(uploads)
    .where(
      and(
        eq(uploads.id, id),
        sql`(${eq(uploads.state, 'closed')} OR (${eq(uploads.state, 'stored')} AND ${lt(uploads.expiresAt, at)}))`,
      ),
    );
}

/** Closes an upload that ran out; false when a part came in the meantime. */
export async function closeExpired(db: Database, id: string, at: string): Promise<boolean> {
  const { meta } = await db
    .update(uploads)
    .set({ state: 'closed' })
    .where(and(isOpen(id), lt(uploads.expiresAt, at)))
    .run();
  return meta.changes > 0;
}

/** Those of the ids that are open. */
export async function openAmong(db: Database, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.all<{ id: string }>(sql`
    SELECT id FROM uploads
    WHERE state = 'open' AND id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
  return new Set(rows.map((row) => row.id));
}
