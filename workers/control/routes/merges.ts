import { Hono } from 'hono';
import { idempotencyKey, mergeRequest, type JobView } from '../../../shared/jobs.ts';
import { askMerge } from '../../domain/jobs/ask-merge.ts';
import { viewOfJob } from '../../domain/jobs/view-of-job.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, readJson } from '../read-request.ts';

/** Bytes; a plan by layer for a network of a thousand layers takes a tenth of it. */
const maxBodyBytes = 1_048_576;

export const mergeRoutes = new Hono<ControlEnv>().post(
  '/',
  requireScope('write'),
  limitBody(maxBodyBytes),
  async (c) => {
    const key = c.req.header('idempotency-key');
    const { id: owner, project } = c.get('caller');
    const asking = {
      project,
      owner,
      idempotencyKey: key === undefined ? null : check(c, idempotencyKey, key, 'the idempotency key'),
    };
    const request = await readJson(c, mergeRequest);
    const { created, job } = await askMerge(c.get('services').stores, asking, request, c.get('change'));
    return c.json(viewOfJob(job) satisfies JobView, created ? 201 : 200, { Location: `/v1/jobs/${job.id}` });
  },
);
