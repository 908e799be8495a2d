import { Hono } from 'hono';
import { planRequest, type JobView } from '../../../shared/jobs.ts';
import { askPlan } from '../../domain/jobs/ask-plan.ts';
import { viewOfJob } from '../../domain/jobs/view-of-job.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody, readJson } from '../read-request.ts';

/** Bytes; as of a merge. */
const maxBodyBytes = 1_048_576;

export const planRoutes = new Hono<ControlEnv>().post(
  '/',
  requireScope('write'),
  limitBody(maxBodyBytes),
  async (c) => {
    const { id: owner, project } = c.get('caller');
    const request = await readJson(c, planRequest);
    const job = await askPlan(c.get('services').stores, { project, owner }, request, c.get('change'));
    return c.json(viewOfJob(job) satisfies JobView, 201, { Location: `/v1/jobs/${job.id}` });
  },
);
