import { and, asc, eq, gt, lt, sql } from 'drizzle-orm';
import type { Database, Statement } from './database.ts';
import type { JobRow } from './jobs.ts';
import { pageSize, toPage, type Page } from './page.ts';
import { jobs, runners } from './schema/jobs.ts';

export type RunnerRow = typeof runners.$inferSelect;
/** With the ids of the jobs that it holds. */
export type ListedRunner = RunnerRow & { jobs: string[] };

/** Runners ask for work every few seconds: that they are there is written at most so often, in milliseconds. */
export const notedEveryMs = 60_000;
/** How long a runner that is not heard of is remembered, in milliseconds. */
const keptMs = 30 * 86_400_000;

const before = (at: string, ms: number): string => new Date(Date.parse(at) - ms).toISOString();

/** The statement that notes who asks for a job. It writes nothing when the same was noted within `notedEveryMs`. */
export function noteRunner(
  db: Database,
  {
    project,
    runner,
    kinds,
    at,
  }: { project: string; runner: NonNullable<JobRow['runner']> } & Pick<RunnerRow, 'kinds'> & { at: string },
): Statement {
  const { name, version } = runner;
  const providers = JSON.stringify(runner.providers);
  return db.run(sql`
    INSERT INTO ${runners} (project, name, version, providers, kinds, first_seen_at, seen_at)
    VALUES (${project}, ${name}, ${version}, ${providers}, ${JSON.stringify(kinds)}, ${at}, ${at})
    ON CONFLICT (project, name) DO UPDATE SET
      version = excluded.version, providers = excluded.providers, kinds = excluded.kinds, seen_at = excluded.seen_at
    WHERE runners.seen_at <= ${before(at, notedEveryMs)} OR runners.version <> excluded.version
      OR runners.providers <> excluded.providers OR runners.kinds <> excluded.kinds`);
}

const runnerOf = ({ id, project }: Pick<JobRow, 'id' | 'project'>) =>
  and(
    eq(runners.project, project),
    sql`${runners.name} = (SELECT runner ->> 'name' FROM ${jobs} WHERE id = ${id})`,
  );

/** The statement that notes that the runner of a job is alive, as seldom as `noteRunner()`. */
export const noteAlive = (db: Database, job: Pick<JobRow, 'id' | 'project'>, at: string): Statement =>
  db
    .update(runners)
    .set({ seenAt: at })
    .where(and(runnerOf(job), sql`${runners.seenAt} <= ${before(at, notedEveryMs)}`));

/** The statement that counts an attempt for the runner of a job. */
export const countAttempt = (
  db: Database,
  job: Pick<JobRow, 'id' | 'project'>,
  ended: 'succeeded' | 'failed',
): Statement =>
  db
    .update(runners)
    .set({ [ended]: sql`${runners[ended]} + 1` })
    .where(runnerOf(job));

/** By name, with the jobs that each holds; `after` is the `next` of the page before. */
export async function listRunners(
  db: Database,
  project: string,
  after?: string,
): Promise<Page<ListedRunner, string>> {
  const rows = await db
    .select()
    .from(runners)
    .where(and(eq(runners.project, project), after === undefined ? undefined : gt(runners.name, after)))
    .orderBy(asc(runners.name))
    .limit(pageSize + 1);
  const leased = await db
    .select({ id: jobs.id, runner: jobs.runner })
    .from(jobs)
    .where(and(eq(jobs.project, project), eq(jobs.state, 'leased')))
    .orderBy(asc(jobs.sequence));
  return toPage(
    rows.map((row) => ({
      ...row,
      jobs: leased.filter(({ runner }) => runner?.name === row.name).map(({ id }) => id),
    })),
    (row) => row.name,
  );
}

/** Forgets those that were not heard of for long. */
export async function sweepRunners(db: Database, now: string): Promise<void> {
  await db.delete(runners).where(lt(runners.seenAt, before(now, keptMs)));
}
