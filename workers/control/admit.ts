import type { MiddlewareHandler } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';
import type { ControlEnv } from './context.ts';

/**
 * Requests that one isolate works on at a time. D1 does one thing at a time: what waits behind this many others has waited
 * too long for most callers, and is told so at once instead.
 */
export const mostInFlight = 128;

/**
 * Refuses a request when too many are being answered, before it costs anything.
 *
 * @param most requests in flight at a time
 * @throws {TrunklineError} `unavailable`
 */
export function admit(most: number = mostInFlight): MiddlewareHandler<ControlEnv> {
  let inFlight = 0;
  return async (_, next) => {
    if (inFlight >= most) {
      throw new TrunklineError(
        'unavailable',
        `Cannot answer now: ${inFlight} requests are being answered already; send it again in a moment.`,
      );
    }
    inFlight += 1;
    try {
      await next();
    } finally {
      inFlight -= 1;
    }
  };
}
