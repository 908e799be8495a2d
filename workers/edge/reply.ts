import type { Context } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';

/** Known clients decode gzip and deflate only, so nothing on the way may compress otherwise; and answers are not for caches. */
export const noTransform = 'no-store, no-transform';

/** A known client loses the text of errors whose content type carries a charset. */
export const reply = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': noTransform, ...headers },
  });

export function renderError(error: unknown, c: Context): Response {
  const known = error instanceof TrunklineError;
  if (!known || error.code === 'internal' || error.code === 'unavailable') {
    console.error(
      `${c.req.method} ${c.req.path}: ${known ? error.message : 'internal error'}`,
      ...causes(error),
    );
  }
  if (!known) return reply({ error: 'Cannot answer: an internal error, see the log of this Worker' }, 500);
  const headers = error.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {};
  return reply({ error: error.message }, error.status, headers);
}

/** What to log beside the message: where a bug is, or what lies behind a refusal. */
function causes(error: unknown): unknown[] {
  if (!(error instanceof TrunklineError)) return [error];
  return error.cause === undefined ? [] : [error.cause];
}
