import { and, asc, desc, eq, getTableColumns, gt, isNull, lt, max } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { endpointRevisions } from './schema.ts';

export type EndpointRevisionRow = typeof endpointRevisions.$inferSelect;
/** Of the default project, when none is named. */
export type NewRevision = Omit<EndpointRevisionRow, 'publishedAt' | 'project'> & { project?: string };

/** The newest revision, or undefined when there is no such endpoint. */
export async function findEndpoint(db: Database, endpoint: string): Promise<EndpointRevisionRow | undefined> {
  return db
    .select()
    .from(endpointRevisions)
    .where(eq(endpointRevisions.endpoint, endpoint))
    .orderBy(desc(endpointRevisions.revision))
    .get();
}

/** @throws a duplicate error (`isDuplicate`) when somebody else made this revision first. */
export async function insertRevision(
  db: Database,
  row: NewRevision,
  entry: AuditEntry,
): Promise<void> {
  await db.batch([insertRevisionStatement(db, row), auditInsert(db, entry)]);
}

/** The statement that adds a revision, for the batch of a change that brings one about. */
export const insertRevisionStatement = (db: Database, row: NewRevision) =>
  db.insert(endpointRevisions).values(row);

/** Notes when the edge was told of a revision, the first time that it was. */
export async function markPublished(
  db: Database,
  endpoint: string,
  revision: number,
  at: string,
): Promise<void> {
  await db
    .update(endpointRevisions)
    .set({ publishedAt: at })
    .where(
      and(
        eq(endpointRevisions.endpoint, endpoint),
        eq(endpointRevisions.revision, revision),
        isNull(endpointRevisions.publishedAt),
      ),
    );
}

/** Newest revisions of every endpoint, by name; `after` is the `next` of the page before. */
export async function listEndpoints(
  db: Database,
  after?: string,
): Promise<Page<EndpointRevisionRow, string>> {
  // In SQLite the other columns of a group are those of the row that has the maximum.
  const rows = await db
    .select({
      ...getTableColumns(endpointRevisions),
      revision: max(endpointRevisions.revision).mapWith(Number),
    })
    .from(endpointRevisions)
    .where(after === undefined ? undefined : gt(endpointRevisions.endpoint, after))
    .groupBy(endpointRevisions.endpoint)
    .orderBy(asc(endpointRevisions.endpoint))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.endpoint);
}

/** Newest first. */
export async function listRevisions(
  db: Database,
  endpoint: string,
  before?: number,
): Promise<Page<EndpointRevisionRow, number>> {
  const rows = await db
    .select()
    .from(endpointRevisions)
    .where(
      and(
        eq(endpointRevisions.endpoint, endpoint),
        before === undefined ? undefined : lt(endpointRevisions.revision, before),
      ),
    )
    .orderBy(desc(endpointRevisions.revision))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.revision);
}
