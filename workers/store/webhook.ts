import { and, asc, eq, gte, gt, inArray, like, or } from 'drizzle-orm';
import type { AuditRow } from './audit.ts';
import type { Database } from './database.ts';
import { audit, webhookProgress } from './schema.ts';

/** What the webhook hears of jobs. */
const endsOfJobs = ['job.finished', 'job.failed', 'job.cancelled'] as const;

/** Steps told in one go. */
const stepsAtOnce = 50;

/** The last step that the receiver at `url` took; 0: none. */
export async function readProgress(db: Database, url: string): Promise<number> {
  return (await db.select().from(webhookProgress).where(eq(webhookProgress.url, url)).get())?.sequence ?? 0;
}

export async function writeProgress(db: Database, url: string, sequence: number): Promise<void> {
  await db
    .insert(webhookProgress)
    .values({ url, sequence })
    .onConflictDoUpdate({ target: webhookProgress.url, set: { sequence } });
}

/** What the audit log says of experiments and of ended jobs after `sequence`, oldest first, from the time `since` on. */
export async function stepsAfter(db: Database, sequence: number, since: string): Promise<AuditRow[]> {
  return db
    .select()
    .from(audit)
    .where(
      and(
        gt(audit.sequence, sequence),
        or(like(audit.action, 'experiment.%'), inArray(audit.action, [...endsOfJobs])),
        gte(audit.at, since),
      ),
    )
    .orderBy(asc(audit.sequence))
    .limit(stepsAtOnce);
}
