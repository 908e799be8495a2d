import type { Context } from 'hono';
import type { ErrorBody } from '../../shared/api.ts';
import { TrunklineError } from '../../shared/errors.ts';
import type { ControlEnv } from './context.ts';
import { retryAfterSeconds } from './rate-limit.ts';

/** The one place where an error becomes a reply. What was not thrown on purpose is logged and told without details. */
export function renderError(error: Error, c: Context<ControlEnv>): Response {
  const refusal = error instanceof TrunklineError ? error : hidden(c.get('requestId'));
  // A refusal for want of room has no cause, and under load there are many of them.
  const isRefusedForRoom = refusal.code === 'unavailable' && error.cause === undefined;
  if (refusal.status >= 500 && !isRefusedForRoom)
    console.error(c.get('requestId'), c.req.method, c.req.path, error, error.cause);
  if (refusal.code === 'unauthenticated') c.header('WWW-Authenticate', 'Bearer');
  if (refusal.code === 'rate-limited') c.header('Retry-After', String(retryAfterSeconds));
  if (refusal.code === 'unavailable') c.header('Retry-After', '1');
  const { code, message } = refusal;
  return c.json({ error: { code, message } } satisfies ErrorBody, refusal.status);
}

const hidden = (requestId: string): TrunklineError =>
  new TrunklineError('internal', `Something went wrong here. The log knows more under request ${requestId}.`);
