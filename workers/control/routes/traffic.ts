import { Hono, type Context } from 'hono';
import { TrunklineError } from '../../../shared/errors.ts';
import { trafficQuery, trafficSpan, type TrafficList, type TrafficSpan } from '../../../shared/traffic.ts';
import { trafficOfAll } from '../../domain/read-traffic.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check } from '../read-request.ts';

/** How much came to every endpoint; for one, point by point, see routes/endpoints.ts. */
export const trafficRoutes = new Hono<ControlEnv>().get('/', requireScope('read'), async (c) => {
  const { cursor, ...query } = c.req.query();
  const span = spanOf(c, query);
  const { project } = c.get('caller');
  const list = await trafficOfAll(c.get('services').stores.db, project, span, cursor);
  return c.json(list satisfies TrafficList);
});

/** The stretch of time that a query asks for. */
export function spanOf(c: Context<ControlEnv>, query: Record<string, string>): TrafficSpan {
  const asked = check(c, trafficQuery, query, 'the query');
  try {
    return trafficSpan(asked, new Date(c.get('change').at));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TrunklineError('invalid', `Cannot tell of that time: ${error.message}.`);
  }
}
