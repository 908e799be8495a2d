import { Hono } from 'hono';
import { TrunklineError } from '../../../shared/errors.ts';
import type { ControlEnv } from '../context.ts';
import { readEnv } from '../env.ts';

/**
 * The edge Worker's inference at this origin, for the portal's pages, which may talk to no other one. The edge looks at
 * the key itself. Clients in a hurry ask the edge: it is one step nearer and answers when this Worker does not.
 */
export const inferenceRoutes = new Hono<ControlEnv>().all('*', async (c) => {
  const { edge } = readEnv(c.env);
  if (edge === null) throw unreachable('this Worker has no service binding EDGE');
  const headers = new Headers(c.req.raw.headers);
  // Who is signed in here is none of the edge's business.
  for (const name of ['cookie', 'cf-access-jwt-assertion']) headers.delete(name);
  try {
    return await edge.fetch(new Request(c.req.raw, { headers }));
  } catch (cause) {
    throw unreachable('the edge Worker does not answer', cause);
  }
});

const unreachable = (why: string, cause?: unknown): TrunklineError =>
  new TrunklineError('unavailable', `Cannot ask for inference here: ${why}.`, { cause });
