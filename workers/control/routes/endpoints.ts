import { Hono, type Context } from 'hono';
import {
  setEndpointRequest,
  type EndpointDetail,
  type EndpointList,
  type EndpointView,
} from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { name as nameSchema } from '../../../shared/manifest.ts';
import type { EndpointTraffic } from '../../../shared/traffic.ts';
import { deleteEndpoint } from '../../domain/delete-endpoint.ts';
import { endpointTraffic } from '../../domain/read-traffic.ts';
import { setEndpoint, viewOfEndpoint, viewOfRevision } from '../../domain/set-endpoint.ts';
import {
  findEndpoint,
  isServing,
  listEndpoints,
  listRevisions,
  type EndpointRevisionRow,
} from '../../store/endpoints.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, numberCursor, readJson } from '../read-request.ts';
import { etagOf, revisionOf } from '../revision.ts';
import { spanOf } from './traffic.ts';

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
    const current = await findOwn(c, endpoint);
    const { rows, next } = await listRevisions(db, endpoint, numberCursor(c));
    const detail = { ...viewOfEndpoint(current), history: rows.map(viewOfRevision), next };
    return c.json(detail satisfies EndpointDetail, 200, { ETag: etagOf(current.revision) });
  })
  .get('/:name/traffic', requireScope('read'), async (c) => {
    const { project, endpoint } = await findOwn(c, c.req.param('name'));
    const span = spanOf(c, c.req.query());
    const traffic = await endpointTraffic(c.get('services').stores.db, { project, endpoint }, span);
    return c.json(traffic satisfies EndpointTraffic);
  })
  .delete('/:name', requireScope('write'), async (c) => {
    const endpoint = check(c, nameSchema, c.req.param('name'), 'the name');
    await deleteEndpoint(c.get('services').stores, endpoint, c.get('change'));
    return c.body(null, 204);
  });

/** An endpoint of the caller's project. */
async function findOwn(c: Context<ControlEnv>, endpoint: string): Promise<EndpointRevisionRow> {
  const current = await findEndpoint(c.get('services').stores.db, endpoint);
  if (current?.project !== c.get('caller').project || !isServing(current)) {
    throw new TrunklineError('not-found', `There is no endpoint "${endpoint}".`);
  }
  return current;
}
