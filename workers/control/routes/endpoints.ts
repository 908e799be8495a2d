import { Hono } from 'hono';
import {
  setEndpointRequest,
  type EndpointDetail,
  type EndpointList,
  type EndpointView,
} from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { name as nameSchema } from '../../../shared/manifest.ts';
import { deleteEndpoint } from '../../domain/delete-endpoint.ts';
import { setEndpoint, viewOfEndpoint, viewOfRevision } from '../../domain/set-endpoint.ts';
import { findEndpoint, isServing, listEndpoints, listRevisions } from '../../store/endpoints.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, numberCursor, readJson } from '../read-request.ts';
import { etagOf, revisionOf } from '../revision.ts';

/** Bytes; 64 tasks of a 63-letter name and a digest each take a sixth of it. */
const maxBodyBytes = 65_536;

export const endpointRoutes = new Hono<ControlEnv>()
  .put('/:name', requireScope('write'), limitBody(maxBodyBytes), async (c) => {
    const endpoint = check(c, nameSchema, c.req.param('name'), 'the name');
    const from = revisionOf(c.req.header('if-match'));
    const { tasks } = await readJson(c, setEndpointRequest);
    const change = { endpoint, tasks, ...(from === null ? {} : { from }) };
    const set = await setEndpoint(c.get('services').stores, change, c.get('change'));
    return c.json(set.endpoint satisfies EndpointView, set.created ? 201 : 200, {
      ETag: etagOf(set.endpoint.revision),
    });
  })
  .get('/', requireScope('read'), async (c) => {
    const { project } = c.get('caller');
    const { db } = c.get('services').stores;
    const { rows, next } = await listEndpoints(db, project, c.req.query('cursor'));
    return c.json({ endpoints: rows.map(viewOfEndpoint), next } satisfies EndpointList);
  })
  .get('/:name', requireScope('read'), async (c) => {
    const { db } = c.get('services').stores;
    const endpoint = c.req.param('name');
    const current = await findEndpoint(db, endpoint);
    if (current?.project !== c.get('caller').project || !isServing(current)) {
      throw new TrunklineError('not-found', `There is no endpoint "${endpoint}".`);
    }
    const { rows, next } = await listRevisions(db, endpoint, numberCursor(c));
    const detail = { ...viewOfEndpoint(current), history: rows.map(viewOfRevision), next };
    return c.json(detail satisfies EndpointDetail, 200, { ETag: etagOf(current.revision) });
  })
  .delete('/:name', requireScope('write'), async (c) => {
    const endpoint = check(c, nameSchema, c.req.param('name'), 'the name');
    await deleteEndpoint(c.get('services').stores, endpoint, c.get('change'));
    return c.body(null, 204);
  });
