import { Hono } from 'hono';
import type { RunnerList } from '../../../shared/jobs.ts';
import { viewOfRunner } from '../../domain/jobs/view-of-runner.ts';
import { listRunners } from '../../store/runners.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';

/** Who works, to people; what runners themselves call is in routes/runner.ts. */
export const runnersRoutes = new Hono<ControlEnv>().get('/', requireScope('read'), async (c) => {
  const { project } = c.get('caller');
  const { rows, next } = await listRunners(c.get('services').stores.db, project, c.req.query('cursor'));
  const now = c.get('change').at;
  return c.json({ runners: rows.map((row) => viewOfRunner(row, now)), next } satisfies RunnerList);
});
