import { Hono, type Context } from 'hono';
import {
  checkpointRequest,
  claimReply,
  claimRequest,
  completeRequest,
  failRequest,
  heartbeatRequest,
  type HeartbeatReply,
  type JobView,
} from '../../../shared/jobs.ts';
import { completeJob } from '../../domain/jobs/complete-job.ts';
import { failJob } from '../../domain/jobs/end-attempt.ts';
import { inputsOfJob } from '../../domain/jobs/inputs-of-job.ts';
import { claimJob } from '../../domain/jobs/claim-job.ts';
import { heartbeat, saveCheckpoint, type Lease, type Term } from '../../domain/jobs/lease.ts';
import { viewOfJob } from '../../domain/jobs/view-of-job.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody, readJson } from '../read-request.ts';

/** Bytes; progress and reasons take a hundredth of it. */
const maxBodyBytes = 65_536;
/** Bytes; the inspection of a network of ten thousand groups. */
const maxResultBytes = 8_388_608;

export const runnerRoutes = new Hono<ControlEnv>()
  .use(requireScope('runner'))
  .post('/claim', limitBody(maxBodyBytes), async (c) => {
    const request = await readJson(c, claimRequest);
    const { stores } = c.get('services');
    const row = await claimJob(stores, c.get('caller').project, request, termOf(c));
    if (row === null) return c.body(null, 204);
    const reply = {
      job: viewOfJob(row),
      lease: { token: row.token, expiresAt: row.leaseExpiresAt },
      attempt: row.attempts + 1,
      checkpoint: row.checkpoint,
      inputs: await inputsOfJob(stores, row),
    };
    return c.json(claimReply.parse(reply));
  })
  .post('/jobs/:id/heartbeat', limitBody(maxBodyBytes), async (c) => {
    const request = await readJson(c, heartbeatRequest);
    const reply = await heartbeat(c.get('services').stores, leaseOf(c, request), request, termOf(c));
    return c.json(reply satisfies HeartbeatReply);
  })
  .put('/jobs/:id/checkpoint', limitBody(maxBodyBytes), async (c) => {
    const request = await readJson(c, checkpointRequest);
    const reply = await saveCheckpoint(c.get('services').stores, leaseOf(c, request), request, termOf(c));
    return c.json(reply satisfies HeartbeatReply);
  })
  .post('/jobs/:id/complete', limitBody(maxResultBytes), async (c) => {
    const request = await readJson(c, completeRequest);
    const { stores, maxManifestBytes } = c.get('services');
    const limits = { maxManifestBytes };
    const row = await completeJob(stores, leaseOf(c, request), request.result, limits, c.get('change'));
    return c.json(viewOfJob(row) satisfies JobView);
  })
  .post('/jobs/:id/fail', limitBody(maxBodyBytes), async (c) => {
    const request = await readJson(c, failRequest);
    const row = await failJob(c.get('services').stores, leaseOf(c, request), request, c.get('change'));
    return c.json(viewOfJob(row) satisfies JobView);
  });

const leaseOf = (c: Context<ControlEnv, string>, { token }: { token: number }): Lease => ({
  project: c.get('caller').project,
  job: c.req.param('id') ?? '',
  token,
});

const termOf = (c: Context<ControlEnv>): Term => ({
  at: c.get('change').at,
  leaseMs: c.get('services').leaseMs,
});
