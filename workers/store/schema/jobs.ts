import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import type {
  Checkpoint,
  InspectRequest,
  JobEvent,
  JobKind,
  JobState,
  MergeRequest,
  MergeResult,
  PinnedVersion,
  PlanRequest,
  PlanResult,
  Progress,
  RunnerIdentity,
} from '../../../shared/jobs.ts';
import type { Inspection } from '../../../shared/inspection.ts';

// Jobs change, unlike the rest: a row is what a job is now, its events are how it came there. Which state may follow which
// is a trigger of the migration, so that no statement can break it; the checks below hold what a state means.

export const jobs = sqliteTable(
  'jobs',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    project: text().notNull(),
    /** Id of the API key (or the person) that asked. */
    owner: text().notNull(),
    kind: text().$type<JobKind>().notNull(),
    priority: integer().notNull(),
    state: text().$type<JobState>().notNull(),
    /** Attempts that ended without a result since the last checkpoint that went further. */
    attempts: integer().notNull().default(0),
    /** Grows with every claim; whoever holds an older one holds nothing. */
    token: integer().notNull().default(0),
    /** Made up by the last claim, to find again what it took. */
    claim: text().unique(),
    /** Order in which jobs were claimed, over all jobs: owners who waited longest come first. */
    served: integer(),
    cancelRequested: integer('cancel_requested', { mode: 'boolean' }).notNull().default(false),
    /** Manifest that is being published: from here on the job ends with it, whoever finishes the work. */
    publishing: text({ mode: 'json' }).$type<Publishing>(),
    reason: text(),
    retryOf: text('retry_of').unique(),
    idempotencyKey: text('idempotency_key'),
    request: text({ mode: 'json' }).$type<MergeRequest | InspectRequest | PlanRequest>().notNull(),
    pinned: text({ mode: 'json' }).$type<PinnedInputs>().notNull(),
    runner: text({ mode: 'json' }).$type<RunnerIdentity>(),
    notBefore: text('not_before').notNull(),
    leaseExpiresAt: text('lease_expires_at'),
    progress: text({ mode: 'json' }).$type<Progress>(),
    checkpoint: text({ mode: 'json' }).$type<Checkpoint>(),
    result: text({ mode: 'json' }).$type<MergeResult | Inspection | PlanResult>(),
    createdAt: text('created_at').notNull(),
    changedAt: text('changed_at').notNull(),
    finishedAt: text('finished_at'),
  },
  (table) => [
    unique('jobs_idempotency').on(table.project, table.owner, table.idempotencyKey),
    index('jobs_queue').on(table.project, table.state, table.priority),
    index('jobs_owner').on(table.project, table.owner, table.state),
    index('jobs_served').on(table.project, table.owner, table.served),
    index('jobs_order').on(table.served),
    index('jobs_lease').on(table.state, table.leaseExpiresAt),
    check('jobs_kind', sql`${table.kind} IN ('inspect', 'merge', 'plan')`),
    check('jobs_state', sql`${table.state} IN ('queued', 'leased', 'succeeded', 'failed', 'cancelled')`),
    check('jobs_priority', sql`${table.priority} BETWEEN 0 AND 9`),
    check('jobs_attempts', sql`${table.attempts} >= 0 AND ${table.token} >= 0`),
    check('jobs_leased', sql`(${table.state} = 'leased') = (${table.leaseExpiresAt} IS NOT NULL)`),
    check(
      'jobs_finished',
      sql`(${table.state} IN ('succeeded', 'failed', 'cancelled')) = (${table.finishedAt} IS NOT NULL)`,
    ),
    check('jobs_result', sql`(${table.state} = 'succeeded') = (${table.result} IS NOT NULL)`),
    check('jobs_reason', sql`${table.state} != 'failed' OR ${table.reason} IS NOT NULL`),
  ],
);

export interface Publishing {
  bundle: string;
  report: string | null;
}

/** The versions a job reads, as they were resolved when it was asked for. */
export type PinnedInputs =
  | { kind: 'merge' | 'plan'; sources: { task: string; model: PinnedVersion; data: PinnedVersion }[] }
  | { kind: 'inspect'; of: 'models' | 'datasets'; version: PinnedVersion };

/** Programs that claim jobs, as they last said who they are. */
export const runners = sqliteTable(
  'runners',
  {
    project: text().notNull(),
    name: text().notNull(),
    version: text().notNull(),
    providers: text({ mode: 'json' }).$type<string[]>().notNull(),
    kinds: text({ mode: 'json' }).$type<JobKind[]>().notNull(),
    firstSeenAt: text('first_seen_at').notNull(),
    /** Behind by up to a minute: not every call is noted. */
    seenAt: text('seen_at').notNull(),
    /** Attempts that ended with a result, and without one. */
    succeeded: integer().notNull().default(0),
    failed: integer().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.project, table.name] })],
);

/** What happened to jobs, in order. */
export const jobEvents = sqliteTable(
  'job_events',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    job: text().notNull(),
    at: text().notNull(),
    type: text().$type<JobEvent['type']>().notNull(),
    data: text({ mode: 'json' }).$type<JobEvent['data']>().notNull(),
  },
  (table) => [
    index('job_events_job').on(table.job, table.sequence),
    check('job_events_type', sql`${table.type} IN ('state', 'progress')`),
  ],
);
