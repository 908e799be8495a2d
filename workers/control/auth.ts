import type { Context, MiddlewareHandler } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';
import { keyFromHeaders, type Scope } from '../../shared/keys.ts';
import { authenticate } from '../domain/api-keys.ts';
import type { Caller } from '../domain/caller.ts';
import { AccessKeys, personOf, refuseForgery } from './access.ts';
import type { ControlEnv } from './context.ts';
import { countRequest } from './rate-limit.ts';

const accessKeys = new AccessKeys();

/**
 * Lets nobody past without a valid key or, where Cloudflare Access is configured, without being signed in; and notes who it
 * is and when, for what the request may change.
 */
export const requireCaller: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const now = new Date();
  let caller: Caller;
  try {
    caller = await identify(c, now.getTime());
  } catch (error) {
    // Whoever tries keys is counted by address.
    const address = c.req.header('cf-connecting-ip') ?? 'unknown';
    await countRequest(c.get('services').rateLimiter, `refused ${address}`);
    throw error;
  }
  c.set('caller', caller);
  c.set('change', { actor: caller.id, project: caller.project, at: now.toISOString() });
  await next();
};

async function identify(c: Context<ControlEnv>, now: number): Promise<Caller> {
  const { stores, bootstrapKeyHash, access } = c.get('services');
  const key = keyFromHeaders(c.req.raw.headers);
  const statement = c.req.header('cf-access-jwt-assertion');
  if (key !== null || access === null || statement === undefined) {
    return authenticate(stores, key, bootstrapKeyHash, now);
  }
  refuseForgery(c);
  return personOf(statement, access, accessKeys, now);
}

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
