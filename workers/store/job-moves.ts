import { and, eq, isNull, lte, sql, type SQL } from 'drizzle-orm';
import { isFinal, type JobEvent, type JobKind, type JobState } from '../../shared/jobs.ts';
import { auditInsert, type AuditEntry } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { holderOf, type JobRow } from './jobs.ts';
import { countAttempt, noteAlive, noteRunner } from './runners.ts';
import { jobEvents, jobs, type Publishing } from './schema/jobs.ts';
import { blobUses, versionUses } from './schema/registry.ts';

type JobChange = Partial<Omit<JobRow, 'sequence' | 'id' | 'project' | 'state' | 'token'>>;

export interface Move {
  job: Pick<JobRow, 'id' | 'project' | 'token'>;
  /** The state the job must be in, under the job's token. */
  from: JobState;
  to: JobState;
  at: string;
  /** What else must hold of the row. */
  guard?: Guard[];
  set?: JobChange;
  /** Blobs the job needs from now on, all of them; undefined: as before. */
  blobs?: string[];
  /** Without one nobody is told: the state stays what it was. */
  event?: Extract<JobEvent, { type: 'state' }>['data'];
  audit?: AuditEntry;
  /** What the runner's attempt is counted as; undefined: as nothing. */
  attempt?: 'succeeded' | 'failed';
}

/** A condition on the row of a job. */
export type Guard = SQL;
export const notPublishing: Guard = isNull(jobs.publishing);
export const cancelIs = (requested: boolean): Guard => eq(jobs.cancelRequested, requested);
export const expiredBy = (now: string): Guard => lte(jobs.leaseExpiresAt, now);
/** Nothing is published for it yet, or the same. */
export const mayPublish = ({ bundle }: Publishing): Guard =>
  sql`(${jobs.publishing} IS NULL OR ${jobs.publishing} ->> 'bundle' = ${bundle})`;

/**
 * Changes a job, with its event, its audit row and the statements of whatever else belongs to the change: all or nothing.
 * A row that is not as `from` and `guard` say would get no state, which its column refuses, and that undoes the batch.
 *
 * @returns whether it was changed
 */
export async function moveJob(db: Database, move: Move, more: Statement[] = []): Promise<boolean> {
  const { job, from, to, at, guard, set, event, audit } = move;
  const held = and(eq(jobs.state, from), eq(jobs.token, job.token), ...(guard ?? []));
  const statements: Statement[] = [];
  if (event !== undefined)
    statements.push(db.insert(jobEvents).values({ job: job.id, at, type: 'state', data: event }));
  if (audit !== undefined) statements.push(auditInsert(db, audit));
  if (move.attempt !== undefined) statements.push(countAttempt(db, job, move.attempt));
  const needed = move.blobs ?? (isFinal(to) && to !== 'failed' ? [] : undefined);
  if (needed !== undefined) statements.push(...holdBlobs(db, job, needed));
  if (isFinal(to)) statements.push(db.delete(versionUses).where(eq(versionUses.holder, holderOf(job.id))));
  try {
    await db.batch([
      db
        .update(jobs)
        .set({
          ...set,
          state: sql<JobState>`CASE WHEN ${held} THEN ${to} END`,
          ...(to === 'leased' ? {} : { leaseExpiresAt: null }),
          ...(isFinal(to) ? { finishedAt: at } : {}),
          changedAt: at,
        })
        .where(eq(jobs.id, job.id)),
      ...statements,
      ...more,
    ]);
    return true;
  } catch (error) {
    if (isRefusedMove(error)) return false;
    throw error;
  }
}

/** Whether the error says that the row was not in the state the change was made for. */
function isRefusedMove(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (/NOT NULL constraint failed: jobs\.state|the job is final/.test(cause.message)) return true;
  }
  return false;
}

function holdBlobs(db: Database, { id, project }: Move['job'], digests: string[], only?: SQL): Statement[] {
  const holder = holderOf(id);
  const condition = only ?? sql`1`;
  return [
    db.delete(blobUses).where(and(eq(blobUses.holder, holder), only)),
    ...digests.map((sha256) =>
      db.run(sql`INSERT OR IGNORE INTO ${blobUses} (holder, project, sha256)
        SELECT ${holder}, ${project}, ${sha256} WHERE ${condition}`),
    ),
  ];
}

export interface Claim {
  project: string;
  kinds: JobKind[];
  runner: NonNullable<JobRow['runner']>;
  /** Unique, made up for this claim. */
  nonce: string;
  at: string;
  leaseExpiresAt: string;
}

/**
 * Leases the next job to a runner: the highest priority first; among its owners whoever has the fewest jobs leased, then
 * whoever was served longest ago; of that owner the oldest. One statement chooses and takes, so no two runners take one.
 */
export async function claimNext(db: Database, claim: Claim): Promise<JobRow | undefined> {
  const { project, kinds, runner, nonce, at, leaseExpiresAt } = claim;
  const due = sql`state = 'queued' AND project = ${project} AND not_before <= ${at}
    AND kind IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))`;
  const next = sql`(
    WITH due AS (
      SELECT owner, MIN(sequence) AS first FROM jobs
      WHERE ${due} AND priority = (SELECT MAX(priority) FROM jobs WHERE ${due})
      GROUP BY owner
    )
    SELECT first FROM due ORDER BY
      (SELECT COUNT(*) FROM jobs WHERE project = ${project} AND owner = due.owner AND state = 'leased'),
      (SELECT COALESCE(MAX(served), 0) FROM jobs WHERE project = ${project} AND owner = due.owner),
      first
    LIMIT 1
  )`;
  const [rows] = await db.batch([
    db
      .update(jobs)
      .set({
        state: 'leased',
        token: sql`token + 1`,
        claim: nonce,
        served: sql`(SELECT COALESCE(MAX(served), 0) + 1 FROM jobs)`,
        runner,
        progress: null,
        leaseExpiresAt,
        changedAt: at,
      })
      .where(eq(jobs.sequence, next))
      .returning(),
    db.run(sql`INSERT INTO ${jobEvents} (job, at, type, data)
      SELECT id, ${at}, 'state', json_object('state', state, 'attempts', attempts, 'token', token,
        'runner', ${runner.name}, 'reason', NULL)
      FROM ${jobs} WHERE claim = ${nonce}`),
    noteRunner(db, claim),
  ]);
  return rows[0];
}

/** What an attempt has come to. */
export interface Renewal {
  at: string;
  leaseExpiresAt: string;
  progress?: NonNullable<JobRow['progress']> | undefined;
  checkpoint?: NonNullable<JobRow['checkpoint']> | undefined;
}

/**
 * Renews a lease. Undefined when it is another one's by now.
 *
 * @throws a missing reference (`isMissingReference`) when the checkpoint's blob is gone
 */
export async function renewLease(
  db: Database,
  job: Move['job'],
  { at, leaseExpiresAt, progress, checkpoint }: Renewal,
): Promise<JobRow | undefined> {
  const held = and(eq(jobs.id, job.id), eq(jobs.state, 'leased'), eq(jobs.token, job.token));
  // Whoever gets further is not failing, however often its machines are taken away.
  const attempts = sql`CASE WHEN ${checkpoint?.step ?? -1} > COALESCE(checkpoint ->> 'step', -1) THEN 0 ELSE attempts END`;
  const [rows] = await db.batch([
    db
      .update(jobs)
      .set({
        leaseExpiresAt,
        changedAt: at,
        ...(progress === undefined ? {} : { progress }),
        ...(checkpoint === undefined ? {} : { checkpoint, attempts }),
      })
      .where(held)
      .returning(),
    ...(progress === undefined
      ? []
      : [
          db.run(sql`INSERT INTO ${jobEvents} (job, at, type, data)
            SELECT id, ${at}, 'progress', ${JSON.stringify(progress)} FROM ${jobs} WHERE ${held}`),
        ]),
    noteAlive(db, job, at),
    ...(checkpoint === undefined
      ? []
      : holdBlobs(db, job, [checkpoint.sha256], sql`EXISTS (SELECT 1 FROM ${jobs} WHERE ${held})`)),
  ]);
  return rows[0];
}
