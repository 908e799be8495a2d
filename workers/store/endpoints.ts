import { and, asc, desc, eq, getTableColumns, gt, isNull, lt, max, ne, sql } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { endpointRevisions } from './schema.ts';

export type EndpointRevisionRow = typeof endpointRevisions.$inferSelect;
/** Of the default project, when none is named. */
export type NewRevision = Omit<EndpointRevisionRow, 'publishedAt' | 'project'> & { project?: string };

/**
 * The newest revision, or undefined when there never was such an endpoint. One without tasks is the end of an endpoint that
 * was deleted: revisions go on counting from there, should the name be used again.
 */
export async function findEndpoint(db: Database, endpoint: string): Promise<EndpointRevisionRow | undefined> {
  return db
    .select()
    .from(endpointRevisions)
    .where(eq(endpointRevisions.endpoint, endpoint))
    .orderBy(desc(endpointRevisions.revision))
    .get();
}

/** Whether it is there, and not what is left of one that was deleted. */
export const isServing = ({ tasks }: Pick<EndpointRevisionRow, 'tasks'>): boolean =>
  Object.keys(tasks).length > 0;

/**
 * @throws a duplicate error (`isDuplicate`) when somebody else made this revision first, a missing reference
 *   (`isMissingReference`) when a bundle is not there
 */
export async function insertRevision(db: Database, row: NewRevision, entry: AuditEntry): Promise<void> {
  await db.batch([insertRevisionStatement(db, row), auditInsert(db, entry)]);
}

/**
 * The statement that adds a revision, for the batch of a change that brings one about. That its bundles are not deleted as
 * long as it is there, and were there, is seen to by the database.
 */
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

/** Ends an endpoint: its history goes, a last revision without tasks stays for whoever has yet to be told. */
export async function insertEnd(
  db: Database,
  row: Omit<NewRevision, 'tasks'>,
  entry: AuditEntry,
): Promise<void> {
  await db.batch([
    insertRevisionStatement(db, { ...row, tasks: {} }),
    db
      .delete(endpointRevisions)
      .where(and(eq(endpointRevisions.endpoint, row.endpoint), lt(endpointRevisions.revision, row.revision))),
    auditInsert(db, entry),
  ]);
}

/** Endpoints whose newest revision the edge was not told of. */
export async function listUntold(db: Database): Promise<string[]> {
  const rows = await db.all<{ endpoint: string }>(sql`
    SELECT endpoint FROM endpoint_revisions r WHERE published_at IS NULL AND revision =
      (SELECT MAX(revision) FROM endpoint_revisions newer WHERE newer.endpoint = r.endpoint)`);
  return rows.map((row) => row.endpoint);
}

/** Those of the names that are endpoints of other projects. Names that are nobody's may become anybody's. */
export async function endpointsOfOthers(
  db: Database,
  project: string,
  endpoints: readonly string[],
): Promise<string[]> {
  if (endpoints.length === 0) return [];
  const rows = await db.all<{ endpoint: string }>(sql`
    SELECT DISTINCT endpoint FROM endpoint_revisions WHERE project <> ${project}
      AND endpoint IN (SELECT value FROM json_each(${JSON.stringify([...new Set(endpoints)])}))`);
  return rows.map((row) => row.endpoint);
}

/** Newest revisions of a project's endpoints, by name; `after` is the `next` of the page before. */
export async function listEndpoints(
  db: Database,
  project: string,
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
    .having(and(eq(endpointRevisions.project, project), ne(endpointRevisions.tasks, {})))
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
