import { and, asc, desc, eq, getTableColumns, gt, isNull, lt, lte, max, notInArray } from 'drizzle-orm';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { insertRevisionStatement, type EndpointRevisionRow, type NewRevision } from './endpoints.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { endpointRevisions, experimentVersions } from './schema.ts';

export type ExperimentVersionRow = typeof experimentVersions.$inferSelect;
/** Of the default project, when none is named. */
export type NewVersion = Omit<ExperimentVersionRow, 'sequence' | 'publishedAt' | 'project'> & {
  project?: string;
};

/** In SQLite the other columns of a group are those of the row that has the maximum. */
const newest = {
  ...getTableColumns(experimentVersions),
  version: max(experimentVersions.version).mapWith(Number).as('newest'),
};

/** The newest version, or undefined when there is no such experiment. */
export async function findExperiment(
  db: Database,
  experiment: string,
): Promise<ExperimentVersionRow | undefined> {
  return db
    .select()
    .from(experimentVersions)
    .where(eq(experimentVersions.experiment, experiment))
    .orderBy(desc(experimentVersions.version))
    .get();
}

/**
 * Adds a version, and with it the revision of the endpoint that it brings about, if any: both or neither.
 *
 * @throws a duplicate error (`isDuplicate`) when somebody else made this version or revision first.
 */
export async function insertVersion(
  db: Database,
  row: NewVersion,
  entry: AuditEntry,
  endpoint?: { row: NewRevision; entry: AuditEntry },
): Promise<void> {
  const version = db.insert(experimentVersions).values(row);
  if (endpoint === undefined) await db.batch([version, auditInsert(db, entry)]);
  else {
    await db.batch([
      version,
      auditInsert(db, entry),
      insertRevisionStatement(db, endpoint.row),
      auditInsert(db, endpoint.entry),
    ]);
  }
}

/** Newest versions of a project's experiments, by name; `after` is the `next` of the page before. */
export async function listExperiments(
  db: Database,
  project: string,
  after?: string,
): Promise<Page<ExperimentVersionRow, string>> {
  const rows = await db
    .select(newest)
    .from(experimentVersions)
    .where(
      and(
        eq(experimentVersions.project, project),
        after === undefined ? undefined : gt(experimentVersions.experiment, after),
      ),
    )
    .groupBy(experimentVersions.experiment)
    .orderBy(asc(experimentVersions.experiment))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.experiment);
}

/** Newest first. */
export async function listVersions(
  db: Database,
  experiment: string,
  before?: number,
): Promise<Page<ExperimentVersionRow, number>> {
  const rows = await db
    .select()
    .from(experimentVersions)
    .where(
      and(
        eq(experimentVersions.experiment, experiment),
        before === undefined ? undefined : lt(experimentVersions.version, before),
      ),
    )
    .orderBy(desc(experimentVersions.version))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.version);
}

/** Newest versions of an endpoint's experiments, archived ones too. */
export async function experimentsOf(db: Database, endpoint: string): Promise<ExperimentVersionRow[]> {
  return selectExperimentsOf(db, endpoint);
}

const selectExperimentsOf = (db: Database, endpoint: string) =>
  db
    .select(newest)
    .from(experimentVersions)
    .where(eq(experimentVersions.endpoint, endpoint))
    .groupBy(experimentVersions.experiment)
    .orderBy(asc(experimentVersions.experiment));

/** Names of the experiments that are running. */
export async function listRunning(db: Database): Promise<string[]> {
  const { experiment, state } = experimentVersions;
  const rows = await db
    .select({ experiment, state, version: max(experimentVersions.version) })
    .from(experimentVersions)
    .groupBy(experiment);
  return rows.filter((row) => row.state === 'running').map((row) => row.experiment);
}

/** What an endpoint serves, all read at one moment. */
export interface Serving {
  revision: EndpointRevisionRow | undefined;
  experiments: ExperimentVersionRow[];
  /** The last change of any of its experiments; 0: it has none. */
  sequence: number;
}

export async function readServing(db: Database, endpoint: string): Promise<Serving> {
  const [revisions, experiments, [last]] = await db.batch([
    db
      .select()
      .from(endpointRevisions)
      .where(eq(endpointRevisions.endpoint, endpoint))
      .orderBy(desc(endpointRevisions.revision))
      .limit(1),
    selectExperimentsOf(db, endpoint),
    db
      .select({ sequence: max(experimentVersions.sequence) })
      .from(experimentVersions)
      .where(eq(experimentVersions.endpoint, endpoint)),
  ]);
  return { revision: revisions[0], experiments, sequence: last?.sequence ?? 0 };
}

/** Notes when the edge was told of an endpoint's experiments, up to the change `sequence`. */
export async function markExperimentsPublished(
  db: Database,
  endpoint: string,
  sequence: number,
  at: string,
): Promise<void> {
  await db
    .update(experimentVersions)
    .set({ publishedAt: at })
    .where(
      and(
        eq(experimentVersions.endpoint, endpoint),
        lte(experimentVersions.sequence, sequence),
        isNull(experimentVersions.publishedAt),
      ),
    );
}

/** Endpoints with a change the edge was not told of. Drafts and archived experiments change nothing there. */
export async function listUnpublished(db: Database): Promise<string[]> {
  const rows = await db
    .selectDistinct({ endpoint: experimentVersions.endpoint })
    .from(experimentVersions)
    .where(
      and(
        isNull(experimentVersions.publishedAt),
        notInArray(experimentVersions.state, ['draft', 'archived']),
      ),
    );
  return rows.map((row) => row.endpoint);
}
