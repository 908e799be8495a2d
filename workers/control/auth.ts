import type { Context, MiddlewareHandler } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';
import { keyFromHeaders, type Scope } from '../../shared/keys.ts';
import { authenticate } from '../domain/api-keys.ts';
import type { ControlEnv } from './context.ts';

/** Lets nobody past without a valid key, and notes who it is and when, for what the request may change. */
export const requireKey: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const { stores, bootstrapKeyHash } = c.get('services');
  const now = new Date();
  const caller = await authenticate(
    stores,
    keyFromHeaders(c.req.raw.headers),
    bootstrapKeyHash,
    now.getTime(),
  );
  c.set('caller', caller);
  c.set('change', { actor: caller.id, project: caller.project, at: now.toISOString() });
  await next();
};

/** Whose things an admin sees: those of the key's project, or of all projects (undefined) for the operator. */
export function visibleProject(c: Context<ControlEnv>): string | undefined {
  const { project, isOperator } = c.get('caller');
  return isOperator ? undefined : project;
}

/**
 * One of the scopes is enough. They are not nested: an `admin` key manages keys, and publishes only if it has `write` too.
 */
export const requireScope =
  (...anyOf: [Scope, ...Scope[]]): MiddlewareHandler<ControlEnv> =>
  async (c, next) => {
    const { id, scopes } = c.get('caller');
    if (!anyOf.some((scope) => scopes.includes(scope))) {
      throw new TrunklineError(
        'forbidden',
        `Cannot ${c.req.method} ${c.req.path}: it needs a key with scope ${anyOf.map((scope) => `"${scope}"`).join(' or ')}, key ${id} has ${scopes.join(', ')}.`,
      );
    }
    await next();
  };
