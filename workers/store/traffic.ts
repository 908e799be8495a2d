import { and, asc, eq, gte, lt, sql, type SQL } from 'drizzle-orm';
import type { ErrorCode } from '../../shared/errors.ts';
import type { TrafficMessage } from '../../shared/traffic-message.ts';
import { trafficKeptMs } from '../../shared/traffic.ts';
import { isDuplicate, type Database } from './database.ts';
import { traffic, trafficMessages } from './schema/traffic.ts';

export type TrafficRow = typeof traffic.$inferSelect;
/** Rows are kept by the minute and by the hour. */
export type Kept = TrafficRow['resolution'];

/**
 * Milliseconds after which a message is not counted any more. Ids are kept a day longer: so a message is known for as long
 * as it could be counted again. The queue gives messages up long before; this is for dead letters that are replayed.
 */
export const countableMs = 7 * 86_400_000;
const idsKeptMs = countableMs + 86_400_000;

const before = (now: string, ms: number): string => new Date(Date.parse(now) - ms).toISOString();

/**
 * Adds what a message counted, once however often it comes: its id goes in with its counts, all or nothing. Endpoints that
 * there never were are left out; the others are of the project that has their newest revision.
 *
 * @returns whether it was counted now: not before, and not too old
 */
export async function addTraffic(
  db: Database,
  { id, counts }: Pick<TrafficMessage, 'id' | 'counts'>,
  now: string,
): Promise<boolean> {
  if (id < before(now, countableMs)) return false;
  const add = (kept: Kept): SQL => addStatement(JSON.stringify(counts), kept);
  try {
    await db.batch([db.insert(trafficMessages).values({ id }), db.run(add('minute')), db.run(add('hour'))]);
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

/** One statement for all of a message, because D1 binds 100 values at most. */
function addStatement(counts: string, kept: Kept): SQL {
  const at = sql`c.value->>'at'`;
  const start = kept === 'minute' ? at : sql`substr(${at}, 1, 13) || ':00:00.000Z'`;
  return sql`
    INSERT INTO traffic (project, endpoint, resolution, at, samples, errors, latency)
    SELECT e.project, e.endpoint, ${kept}, ${start}, c.value->>'samples', c.value->'errors', c.value->'latency'
    FROM json_each(${counts}) AS c JOIN endpoint_revisions AS e ON e.endpoint = c.value->>'endpoint'
    WHERE e.revision = (SELECT MAX(revision) FROM endpoint_revisions AS newer WHERE newer.endpoint = e.endpoint)
    ON CONFLICT (project, endpoint, resolution, at) DO UPDATE SET
      samples = traffic.samples + excluded.samples, ${added('errors')}, ${added('latency')}`;
}

/** Sets a column of counts by key to the sum of what it is and what comes. */
const added = (column: 'errors' | 'latency'): SQL => {
  const [own, more] = [sql.raw(`traffic.${column}`), sql.raw(`excluded.${column}`)];
  return sql`${sql.raw(column)} = (
    SELECT json_group_object(key, n) FROM (
      SELECT key, SUM(value) AS n
      FROM (SELECT key, value FROM json_each(${own}) UNION ALL SELECT key, value FROM json_each(${more}))
      GROUP BY key))`;
};

/** A stretch of time: `from` belongs to it, `to` does not. */
export interface Stretch {
  kept: Kept;
  from: string;
  to: string;
}

/** An endpoint's rows, in order of time. */
export function listTraffic(
  db: Database,
  { project, endpoint }: Pick<TrafficRow, 'project' | 'endpoint'>,
  { kept, from, to }: Stretch,
): Promise<TrafficRow[]> {
  return db
    .select()
    .from(traffic)
    .where(
      and(
        eq(traffic.project, project),
        eq(traffic.endpoint, endpoint),
        eq(traffic.resolution, kept),
        gte(traffic.at, from),
        lt(traffic.at, to),
      ),
    )
    .orderBy(asc(traffic.at));
}

export type TrafficSum = Pick<TrafficRow, 'endpoint' | 'samples' | 'errors' | 'latency'>;

/** Each endpoint's rows as one; endpoints without any are left out. */
export async function sumTraffic(
  db: Database,
  project: string,
  endpoints: readonly string[],
  { kept, from, to }: Stretch,
): Promise<TrafficSum[]> {
  // From the names to their rows, which are next to each other; a plan from the rows would read those of all projects.
  const sums = (column: SQL): SQL => sql`
    (SELECT json_group_object(key, n) FROM (
      SELECT c.key, SUM(c.value) AS n FROM traffic AS t, json_each(${column}) AS c
      WHERE t.project = ${project} AND t.endpoint = named.value AND t.resolution = ${kept}
        AND t.at >= ${from} AND t.at < ${to}
      GROUP BY c.key))`;
  const rows = await db.all<{ endpoint: string; samples: number; errors: string; latency: string }>(sql`
    SELECT named.value AS endpoint, SUM(t.samples) AS samples,
      ${sums(sql`t.errors`)} AS errors, ${sums(sql`t.latency`)} AS latency
    FROM json_each(${JSON.stringify(endpoints)}) AS named CROSS JOIN traffic AS t
    WHERE t.project = ${project} AND t.endpoint = named.value AND t.resolution = ${kept}
      AND t.at >= ${from} AND t.at < ${to}
    GROUP BY named.value`);
  return rows.map((row) => ({
    ...row,
    errors: JSON.parse(row.errors) as Partial<Record<ErrorCode, number>>,
    latency: JSON.parse(row.latency) as Record<string, number>,
  }));
}

/** Deletes what is older than it is kept. */
export async function sweepTraffic(db: Database, now: string): Promise<void> {
  const old = (kept: Kept): SQL | undefined =>
    and(eq(traffic.resolution, kept), lt(traffic.at, before(now, trafficKeptMs[kept])));
  await db.batch([
    db.delete(traffic).where(old('minute')),
    db.delete(traffic).where(old('hour')),
    db.delete(trafficMessages).where(lt(trafficMessages.id, before(now, idsKeptMs))),
  ]);
}
