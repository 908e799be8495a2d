import type { Context } from 'hono';

/** Work that other requests may come to wait for (a load, the runtime's start) ends even when this client goes away. */
export const finishing = <T>(c: Context, work: Promise<T>): Promise<T> => {
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
};
