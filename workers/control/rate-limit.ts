import type { MiddlewareHandler } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';
import type { ControlEnv } from './context.ts';

/** Seconds, as the period in wrangler.toml: after that long the count begins anew. */
export const retryAfterSeconds = 10;

/**
 * Refuses a caller who asks too often. The platform's own counter counts, a location of its network at a time, so that it
 * needs no database and more isolates give nobody more; what it lets through is limited by D1 as before.
 *
 * @throws {TrunklineError} `rate-limited`
 */
export async function countRequest(limiter: RateLimit | null, key: string): Promise<void> {
  if (limiter === null) return;
  const { success } = await limiter.limit({ key });
  if (success) return;
  throw new TrunklineError(
    'rate-limited',
    `Cannot answer: there were too many requests; send it again in ${retryAfterSeconds} seconds.`,
  );
}

/** Counts requests of each key or person. Comes after `requireCaller`, which counts those it refuses. */
export const limitRate: MiddlewareHandler<ControlEnv> = async (c, next) => {
  await countRequest(c.get('services').rateLimiter, `caller ${c.get('caller').id}`);
  await next();
};
