import { Hono } from 'hono';
import { isFinal, jobListQuery, type JobList, type JobLog, type JobView } from '../../../shared/jobs.ts';
import { cancelJob } from '../../domain/jobs/cancel-job.ts';
import { retryJob } from '../../domain/jobs/retry-job.ts';
import { findOwnJob, viewOfEvent, viewOfJob } from '../../domain/jobs/view-of-job.ts';
import { listEvents, listJobs } from '../../store/jobs.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { streamEvents } from '../job-events.ts';
import { check, numberCursor } from '../read-request.ts';

export const jobRoutes = new Hono<ControlEnv>()
  .get('/', requireScope('read'), async (c) => {
    const query = check(c, jobListQuery, c.req.query(), 'the query');
    const { project } = c.get('caller');
    const { rows, next } = await listJobs(c.get('services').stores.db, project, query, numberCursor(c));
    return c.json({ jobs: rows.map(viewOfJob), next } satisfies JobList);
  })
  .get('/:id', requireScope('read'), async (c) => {
    const row = await findOwnJob(c.get('services').stores, c.get('caller').project, c.req.param('id'));
    return c.json(viewOfJob(row) satisfies JobView);
  })
  .post('/:id/cancel', requireScope('write'), async (c) => {
    const { stores } = c.get('services');
    const row = await cancelJob(stores, c.get('caller').project, c.req.param('id'), c.get('change'));
    return c.json(viewOfJob(row) satisfies JobView, isFinal(row.state) ? 200 : 202);
  })
  .post('/:id/retry', requireScope('write'), async (c) => {
    const { project, id: owner } = c.get('caller');
    const { stores } = c.get('services');
    const { created, job } = await retryJob(stores, { project, owner }, c.req.param('id'), c.get('change'));
    return c.json(viewOfJob(job) satisfies JobView, created ? 201 : 200, { Location: `/v1/jobs/${job.id}` });
  })
  .get('/:id/log', requireScope('read'), async (c) => {
    const { stores } = c.get('services');
    const { id } = await findOwnJob(stores, c.get('caller').project, c.req.param('id'));
    const { rows, next } = await listEvents(stores.db, id, numberCursor(c));
    return c.json({ events: rows.map(viewOfEvent), next } satisfies JobLog);
  })
  .get('/:id/events', requireScope('read'), async (c) => {
    const { stores } = c.get('services');
    const row = await findOwnJob(stores, c.get('caller').project, c.req.param('id'));
    return streamEvents(c, stores.db, row.id);
  });
