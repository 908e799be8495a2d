import { and, asc, desc, eq, gt, isNotNull, isNull, lt, lte, sql } from 'drizzle-orm';
import type { JobListQuery } from '../../shared/jobs.ts';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { jobEvents, jobs, type PinnedInputs } from './schema/jobs.ts';
import { blobUses, versionUses } from './schema/registry.ts';

export type JobRow = typeof jobs.$inferSelect;
export type JobEventRow = typeof jobEvents.$inferSelect;

/** A job as it is asked for; the rest of its row follows. */
export type NewJob = Pick<
  JobRow,
  'id' | 'project' | 'owner' | 'kind' | 'priority' | 'request' | 'pinned' | 'retryOf' | 'idempotencyKey'
> & { at: string; checkpoint?: JobRow['checkpoint'] };

/**
 * The statements that add a job, for the batch of a change that asks for one.
 *
 * The batch fails with a duplicate error (`isDuplicate`) when this owner used the idempotency key before, or the job was
 * retried before; with a missing reference (`isMissingReference`) when a version it reads or its checkpoint is gone.
 */
export function insertJobStatements(db: Database, job: NewJob, entry: AuditEntry) {
  const { at, ...row } = job;
  const queued = { state: 'queued', attempts: 0, token: 0, runner: null, reason: null } as const;
  const { runner, ...columns } = queued;
  return [
    db.insert(jobs).values({ ...row, ...columns, runner, notBefore: at, createdAt: at, changedAt: at }),
    db.run(sql`INSERT OR IGNORE INTO ${versionUses} (holder, project, kind, name, version)
      SELECT ${holderOf(job.id)}, ${job.project}, value ->> 'kind', value ->> 'name', value ->> 'version'
      FROM json_each(${JSON.stringify(inputsOf(job.pinned))})`),
    db.run(sql`INSERT INTO ${blobUses} (holder, project, sha256)
      SELECT ${holderOf(job.id)}, ${job.project}, value
      FROM json_each(${JSON.stringify(job.checkpoint == null ? [] : [job.checkpoint.sha256])})`),
    db.insert(jobEvents).values({ job: job.id, at, type: 'state', data: queued }),
    auditInsert(db, entry),
  ] as const;
}

export async function insertJob(db: Database, job: NewJob, entry: AuditEntry): Promise<void> {
  await db.batch(insertJobStatements(db, job, entry));
}

/** How the registry calls a job that needs its versions and blobs. */
export const holderOf = (id: string): string => `job ${id}`;

function inputsOf(pinned: PinnedInputs) {
  if (pinned.kind === 'inspect') {
    const { name, version } = pinned.version;
    return [{ kind: pinned.of, name, version }];
  }
  return pinned.sources.flatMap(({ model, data }) => [
    { kind: 'models', name: model.name, version: model.version },
    { kind: 'datasets', name: data.name, version: data.version },
  ]);
}

/** The job, or undefined when this project has none of that id. */
export async function findJob(db: Database, project: string, id: string): Promise<JobRow | undefined> {
  return db
    .select()
    .from(jobs)
    .where(and(eq(jobs.project, project), eq(jobs.id, id)))
    .get();
}

export async function findJobByKey(
  db: Database,
  { project, owner }: Pick<JobRow, 'project' | 'owner'>,
  idempotencyKey: string,
): Promise<JobRow | undefined> {
  const { idempotencyKey: key } = jobs;
  return db
    .select()
    .from(jobs)
    .where(and(eq(jobs.project, project), eq(jobs.owner, owner), eq(key, idempotencyKey)))
    .get();
}

export async function findRetryOf(db: Database, id: string): Promise<JobRow | undefined> {
  return db.select().from(jobs).where(eq(jobs.retryOf, id)).get();
}

/** Newest first. */
export async function listJobs(
  db: Database,
  project: string,
  { state, kind, owner }: JobListQuery,
  before?: number,
): Promise<Page<JobRow, number>> {
  const rows = await db
    .select()
    .from(jobs)
    .where(
      and(
        eq(jobs.project, project),
        state === undefined ? undefined : eq(jobs.state, state),
        kind === undefined ? undefined : eq(jobs.kind, kind),
        owner === undefined ? undefined : eq(jobs.owner, owner),
        before === undefined ? undefined : lt(jobs.sequence, before),
      ),
    )
    .orderBy(desc(jobs.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}

/** What happened to a job after the event `after`, oldest first. */
export async function listEvents(db: Database, job: string, after = 0): Promise<Page<JobEventRow, number>> {
  const rows = await db
    .select()
    .from(jobEvents)
    .where(and(eq(jobEvents.job, job), gt(jobEvents.sequence, after)))
    .orderBy(asc(jobEvents.sequence))
    .limit(pageSize + 1);
  return toPage(rows, (row) => row.sequence);
}

/** Leases that ran out by `now`, the oldest first. */
export async function listExpired(
  db: Database,
  now: string,
  { project, publishing }: { project?: string; publishing: boolean },
): Promise<JobRow[]> {
  return db
    .select()
    .from(jobs)
    .where(
      and(
        eq(jobs.state, 'leased'),
        lte(jobs.leaseExpiresAt, now),
        publishing ? isNotNull(jobs.publishing) : isNull(jobs.publishing),
        project === undefined ? undefined : eq(jobs.project, project),
      ),
    )
    .orderBy(asc(jobs.leaseExpiresAt))
    .limit(pageSize);
}

/** Lets go of the checkpoints of jobs that failed before a time: nobody retried them. */
export async function releaseCheckpoints(db: Database, before: string): Promise<void> {
  await db.run(sql`DELETE FROM ${blobUses} WHERE holder IN
    (SELECT 'job ' || id FROM ${jobs} WHERE state = 'failed' AND finished_at < ${before})`);
}

/** Forgets the progress of jobs that ended before a time. What became of them stays. */
export async function forgetProgress(db: Database, before: string): Promise<void> {
  await db.run(sql`DELETE FROM ${jobEvents} WHERE type = 'progress' AND job IN
    (SELECT id FROM ${jobs} WHERE finished_at < ${before})`);
}
