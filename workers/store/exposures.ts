import { sql } from 'drizzle-orm';
import type { Exposure } from '../../shared/exposure.ts';
import type { Database } from './database.ts';

/**
 * Adds the requests that are not there yet and answers how many those were. One statement, so all or none; the batch
 * goes in as one JSON parameter, because D1 binds 100 at most. Requests of no experiment are not kept.
 */
export async function insertExposures(db: Database, exposures: readonly Exposure[]): Promise<number> {
  const kept = exposures.filter((one) => one.assignment !== null);
  if (kept.length === 0) return 0;
  const { meta } = await db.run(sql`
    INSERT OR IGNORE INTO exposures (
      request_id, endpoint, endpoint_revision, at, experiment, revision, phase, arm, reason, unit, tasks, predicted,
      total_ms, load_ms, trunk_ms, heads_ms, bytes_loaded, heap_bytes, cold, error,
      shadow_arm, shadow_ms, shadow_bytes_loaded, shadow_error, agreement
    )
    SELECT
      value->>'requestId', value->>'endpoint', value->>'revision', value->>'at',
      value->>'$.assignment.experiment', value->>'$.assignment.revision', value->>'$.assignment.phase',
      value->>'$.assignment.arm', value->>'$.assignment.reason', value->>'$.assignment.unit',
      value->'tasks', value->'predicted',
      value->>'$.latencyMs.total', value->>'$.latencyMs.load', value->>'$.latencyMs.trunk', value->>'$.latencyMs.heads',
      value->>'bytesLoaded', value->>'heapBytes', value->>'cold', value->>'error',
      value->>'$.shadow.arm', value->>'$.shadow.totalMs', value->>'$.shadow.bytesLoaded', value->>'$.shadow.error',
      value->'$.shadow.tasks'
    FROM json_each(${JSON.stringify(kept)})`);
  return meta.changes;
}
