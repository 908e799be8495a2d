import { sql, type SQL } from 'drizzle-orm';
import { isFault, type ExposureReason } from '../../shared/exposure.ts';
import { errorStatus, type ErrorCode } from '../../shared/errors.ts';
import type { Database } from './database.ts';

// What the analysis asks of the rows. Everything is summed when it is asked for and nothing is counted on arrival, so
// exposures and outcomes may come late, twice and in any order. All of one revision of an experiment: over revisions,
// units are not comparable.

/** Whose rows. */
export interface Subject {
  experiment: string;
  revision: number;
}

/**
 * `mine`: the requests the hash assigned. `first`: their units, with the arm and the phase each met first and the number
 * of arms it met. (SQLite takes the other columns of a group from the row with the minimum.)
 */
const units = ({ experiment, revision }: Subject): SQL => sql`
  mine AS (
    SELECT * FROM exposures
    WHERE experiment = ${experiment} AND revision = ${revision} AND reason = 'assigned' AND unit IS NOT NULL
  ),
  first AS (
    SELECT unit, arm, phase, MIN(at) AS at, COUNT(DISTINCT arm) AS arms FROM mine GROUP BY unit
  )`;

const faults = sql.raw(
  (Object.keys(errorStatus) as ErrorCode[])
    .filter(isFault)
    .map((code) => `'${code}'`)
    .join(', '),
);

export interface UnitCount {
  phase: number;
  arm: string;
  units: number;
}

/** Units by arm and by the phase they were first seen in. Those that met several arms are told as arm null. */
export async function countUnits(
  db: Database,
  of: Subject,
): Promise<(Omit<UnitCount, 'arm'> & { arm: string | null })[]> {
  return db.all(sql`
    WITH ${units(of)}
    SELECT phase, CASE WHEN arms = 1 THEN arm END AS arm, COUNT(*) AS units
    FROM first GROUP BY 1, 2 ORDER BY 1, 2`);
}

/** Sums over units of one metric, as `RatioSums` wants them. */
export interface MetricSums {
  arm: string;
  metric: string;
  units: number;
  x: number;
  y: number;
  xx: number;
  xy: number;
  yy: number;
}

const sums = sql`COUNT(*) AS units, SUM(x) AS x, SUM(y) AS y, SUM(x * x) AS xx, SUM(x * y) AS xy, SUM(y * y) AS yy`;

/**
 * Sums of `errors` over requests, and over answered requests: `latencyMs`, `computeMs` (trunk and heads), `bytesLoaded`,
 * `heapBytes`. Units that met several arms are left out.
 */
export async function sumRequests(db: Database, of: Subject): Promise<MetricSums[]> {
  return db.all(sql`
    WITH ${units(of)},
    per AS (
      SELECT f.arm, COUNT(*) AS requests, SUM(m.error IS NULL) AS answered,
        SUM(m.error IN (${faults}) AND m.error IS NOT NULL) AS faults,
        SUM(m.total_ms) FILTER (WHERE m.error IS NULL) AS latency,
        SUM(m.trunk_ms + m.heads_ms) FILTER (WHERE m.error IS NULL) AS compute,
        SUM(m.bytes_loaded) FILTER (WHERE m.error IS NULL) AS loaded,
        SUM(m.heap_bytes) FILTER (WHERE m.error IS NULL) AS heap
      FROM mine AS m JOIN first AS f USING (unit) WHERE f.arms = 1 GROUP BY unit
    ),
    pairs AS (
      SELECT arm, 'errors' AS metric, faults * 1.0 AS x, requests AS y FROM per
      UNION ALL SELECT arm, 'latencyMs', latency, answered FROM per WHERE answered > 0
      UNION ALL SELECT arm, 'computeMs', compute, answered FROM per WHERE answered > 0
      UNION ALL SELECT arm, 'bytesLoaded', loaded * 1.0, answered FROM per WHERE answered > 0
      UNION ALL SELECT arm, 'heapBytes', heap * 1.0, answered FROM per WHERE answered > 0
    )
    SELECT arm, metric, ${sums} FROM pairs GROUP BY arm, metric`);
}

/**
 * Sums of rewards over outcomes, by task (`metric`). A truth is a reward of 1 for every sample whose class was predicted;
 * one said of a unit holds for each of its requests, a reward said of a unit counts once.
 */
export async function sumOutcomes(db: Database, of: Subject): Promise<MetricSums[]> {
  return db.all(sql`
    WITH ${units(of)},
    paired AS (
      SELECT m.unit, m.predicted, o.task, o.truth, o.reward
      FROM mine AS m JOIN outcomes AS o ON o.kind = 'request' AND o.subject = m.request_id
      UNION ALL
      SELECT m.unit, m.predicted, o.task, o.truth, NULL
      FROM mine AS m JOIN outcomes AS o ON o.kind = 'unit' AND o.subject = m.unit AND o.truth IS NOT NULL
      UNION ALL
      SELECT f.unit, NULL, o.task, NULL, o.reward
      FROM first AS f JOIN outcomes AS o ON o.kind = 'unit' AND o.subject = f.unit AND o.reward IS NOT NULL
    ),
    scored AS (
      SELECT unit, task, reward AS x, 1 AS y FROM paired WHERE reward IS NOT NULL
      UNION ALL
      SELECT unit, task, said.value = seen.value, 1
      FROM paired, json_each(truth) AS said, json_each(predicted, '$."' || task || '"') AS seen
      WHERE reward IS NULL AND said.key = seen.key
    ),
    pairs AS (
      SELECT f.arm, s.task AS metric, SUM(s.x) AS x, SUM(s.y) AS y
      FROM scored AS s JOIN first AS f USING (unit) WHERE f.arms = 1 GROUP BY unit, s.task
    )
    SELECT arm, metric, ${sums} FROM pairs GROUP BY arm, metric`);
}

/** Answered requests by arm and latency, rounded to three digits (0.5 % at most): what a quantile sketch is made of. */
export async function countLatencies(
  db: Database,
  of: Subject,
): Promise<{ arm: string; ms: number; requests: number }[]> {
  return db.all(sql`
    WITH ${units(of)}
    SELECT f.arm, CAST(printf('%.2e', m.total_ms) AS REAL) AS ms, COUNT(*) AS requests
    FROM mine AS m JOIN first AS f USING (unit) WHERE f.arms = 1 AND m.error IS NULL GROUP BY 1, 2`);
}

export interface RequestCount {
  arm: string;
  reason: ExposureReason;
  error: ErrorCode | null;
  cold: number;
  requests: number;
}

/** Requests of every kind, those that are not compared too. */
export async function countRequests(
  db: Database,
  { experiment, revision }: Subject,
): Promise<RequestCount[]> {
  return db.all(sql`
    SELECT arm, reason, error, SUM(cold) AS cold, COUNT(*) AS requests FROM exposures
    WHERE experiment = ${experiment} AND revision = ${revision}
    GROUP BY arm, reason, error`);
}

export interface ShadowSums {
  arm: string;
  shadow: string;
  task: string;
  requests: number;
  samples: number;
  /** Of those that have classes. */
  classified: number;
  top1Matches: number;
  maxDifference: number;
  /** Mean over samples; null when none has classes. */
  kl: number | null;
}

/** How far the shadow's outputs were from the reply's, by task. */
export async function sumAgreement(db: Database, { experiment, revision }: Subject): Promise<ShadowSums[]> {
  const top1 = sql`t.value->>'top1Matches'`;
  const samples = sql`t.value->>'samples'`;
  return db.all(sql`
    SELECT e.arm, e.shadow_arm AS shadow, t.key AS task, COUNT(*) AS requests, SUM(${samples}) AS samples,
      COALESCE(SUM(${samples}) FILTER (WHERE ${top1} IS NOT NULL), 0) AS classified,
      COALESCE(SUM(${top1}), 0) AS top1Matches, MAX(t.value->>'maxDifference') AS maxDifference,
      SUM((t.value->>'kl') * (${samples})) / SUM(${samples}) FILTER (WHERE t.value->>'kl' IS NOT NULL) AS kl
    FROM exposures AS e, json_each(e.agreement) AS t
    WHERE e.experiment = ${experiment} AND e.revision = ${revision} AND e.shadow_error IS NULL
    GROUP BY e.arm, e.shadow_arm, t.key ORDER BY 1, 2, 3`);
}

export interface ShadowCost {
  arm: string;
  shadow: string;
  requests: number;
  failed: number;
  meanMs: number | null;
  bytesLoaded: number;
}

/** What shadowing took, beside the requests whose reply it followed. */
export async function sumShadows(db: Database, { experiment, revision }: Subject): Promise<ShadowCost[]> {
  return db.all(sql`
    SELECT arm, shadow_arm AS shadow, COUNT(*) AS requests, SUM(shadow_error IS NOT NULL) AS failed,
      AVG(shadow_ms) FILTER (WHERE shadow_error IS NULL) AS meanMs, SUM(shadow_bytes_loaded) AS bytesLoaded
    FROM exposures
    WHERE experiment = ${experiment} AND revision = ${revision} AND shadow_arm IS NOT NULL
    GROUP BY arm, shadow_arm ORDER BY 1, 2`);
}
