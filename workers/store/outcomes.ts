import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import type { outcomes } from './schema.ts';

export type OutcomeRow = typeof outcomes.$inferSelect;

/** Adds the outcomes that are not there yet, in one statement, and answers how many those were. */
export async function insertOutcomes(db: Database, rows: readonly OutcomeRow[]): Promise<number> {
  const { meta } = await db.run(sql`
    INSERT OR IGNORE INTO outcomes (kind, subject, task, truth, reward, at)
    SELECT value->>'kind', value->>'subject', value->>'task', ${ifJson('truth')}, value->>'reward', value->>'at'
    FROM json_each(${JSON.stringify(rows)})`);
  return meta.changes;
}

/** Positions in `rows` whose outcome is there with another value, because a different one was said before. */
export async function findContradicted(db: Database, rows: readonly OutcomeRow[]): Promise<number[]> {
  const found = await db.all<{ position: number }>(sql`
    SELECT said.key AS position
    FROM json_each(${JSON.stringify(rows)}) AS said
    JOIN outcomes AS o
      ON o.kind = said.value->>'kind' AND o.subject = said.value->>'subject' AND o.task = said.value->>'task'
    WHERE o.truth IS NOT ${ifJson('truth', 'said.')} OR o.reward IS NOT said.value->>'reward'
    ORDER BY position`);
  return found.map((row) => row.position);
}

/** A member as JSON text; SQL's null where JSON says null. */
const ifJson = (member: string, of = '') =>
  sql.raw(`CASE WHEN ${of}value->>'${member}' IS NULL THEN NULL ELSE ${of}value->'${member}' END`);
