import { sql } from 'drizzle-orm';
import type { Database, Statement } from './database.ts';
import { holderOf } from './jobs.ts';

/** Statements that add a job which reads the version of a name that has this digest, if there is one. */
export function insertInspectionStatements(
  db: Database,
  { id, owner, priority, at }: { id: string; owner: string; priority: number; at: string },
  version: { project: string; kind: 'models' | 'datasets'; name: string; digest: string },
): readonly [Statement, ...Statement[]] {
  const found = sql`FROM versions WHERE project = ${version.project} AND kind = ${version.kind}
    AND name = ${version.name} AND digest = ${version.digest}`;
  return [
    db.run(sql`
      INSERT INTO jobs (id, project, owner, kind, priority, state, request, pinned, not_before, created_at, changed_at)
      SELECT ${id}, project, ${owner}, 'inspect', ${priority}, 'queued',
        json_object('kind', kind, 'ref', name || '@' || version, 'priority', ${priority}),
        json_object('kind', 'inspect', 'of', kind,
          'version', json_object('name', name, 'version', version, 'digest', digest)),
        ${at}, ${at}, ${at} ${found}`),
    db.run(sql`
      INSERT INTO version_uses (holder, project, kind, name, version)
      SELECT ${holderOf(id)}, project, kind, name, version ${found}`),
    db.run(sql`
      INSERT INTO job_events (job, at, type, data)
      SELECT id, ${at}, 'state', json_object('state', state, 'attempts', 0, 'token', 0, 'runner', NULL, 'reason', NULL)
      FROM jobs WHERE id = ${id}`),
    db.run(sql`
      INSERT INTO audit (at, project, actor, action, subject, detail)
      SELECT ${at}, project, ${owner}, 'job.create', ${id},
        json_object('kind', 'inspect', 'of', kind, 'name', name, 'version', version) ${found}`),
  ];
}
