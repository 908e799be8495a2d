import type { Context } from 'hono';
import { verifyWithJwks } from 'hono/jwt';
import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { defaultProject, type Scope } from '../../shared/keys.ts';
import type { Caller } from '../domain/caller.ts';
import type { Access } from './env.ts';

// People whom Cloudflare Access signed in. It puts a signed statement of who they are into every request; what they may do
// is decided here. Nothing of the statement goes into messages or logs: whoever has it is that person.

/** What everybody may do whom Access lets in; `admins` manage keys too. */
const peopleScopes: readonly Scope[] = ['outcome', 'read', 'write'];

const claims = z.object({ email: z.email(), exp: z.number() });

/** A public key with its name, as the standard's sets of keys have them. */
const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
type Keys = z.infer<typeof keySet>['keys'];

/** Milliseconds a set of keys is trusted: Access rotates its own every six weeks, and shows the next one long before. */
const keptForMs = 3_600_000;
/** Milliseconds between two looks because of a key that is not known. */
const lookAgainMs = 60_000;

/** Reads and remembers the keys that a team's statements are signed with. */
export class AccessKeys {
  readonly #send: typeof fetch;
  readonly #kept = new Map<string, { keys: Keys; readAt: number }>();

  constructor(send: typeof fetch = (...request) => fetch(...request)) {
    this.#send = send;
  }

  /** @throws {TrunklineError} `unavailable` when Access does not tell them */
  async of(teamDomain: string, kid: string, now: number): Promise<Keys> {
    const kept = this.#kept.get(teamDomain);
    const age = kept === undefined ? Infinity : now - kept.readAt;
    const knows = kept?.keys.some((key) => key.kid === kid) ?? false;
    if (kept !== undefined && age < (knows ? keptForMs : lookAgainMs)) return kept.keys;
    try {
      const reply = await this.#send(`https://${teamDomain}/cdn-cgi/access/certs`);
      if (!reply.ok) throw new Error(`it answered ${reply.status}`);
      const { keys } = keySet.parse(await reply.json());
      this.#kept.set(teamDomain, { keys, readAt: now });
      return keys;
    } catch (cause) {
      throw new TrunklineError(
        'unavailable',
        'Cannot tell who is asking: Cloudflare Access does not answer.',
        {
          cause,
        },
      );
    }
  }
}

/**
 * The person in the statement that Access made.
 *
 * @throws {TrunklineError} `unauthenticated` for a statement that is forged, for another application, or over
 */
export async function personOf(
  token: string,
  access: Access,
  keys: AccessKeys,
  now: number,
): Promise<Caller> {
  const { teamDomain, audience, admins } = access;
  try {
    const verified = await verifyWithJwks(token, {
      keys: await keys.of(teamDomain, kidOf(token), now),
      allowedAlgorithms: ['RS256'],
      verification: { iss: `https://${teamDomain}`, aud: audience, iat: false },
    });
    const { email } = claims.parse(verified);
    const scopes = admins.includes(email.toLowerCase())
      ? [...peopleScopes, 'admin' as const]
      : [...peopleScopes];
    return { id: email.toLowerCase(), project: defaultProject, scopes, isOperator: false };
  } catch (error) {
    if (error instanceof TrunklineError) throw error;
    // The library's messages hold the statement: they go no further.
    throw new TrunklineError(
      'unauthenticated',
      'Cannot tell who is asking: the statement of Cloudflare Access is not valid here, or no longer.',
    );
  }
}

/** The name of the key that signed it; not verified. */
function kidOf(token: string): string {
  const header: unknown = JSON.parse(
    atob((token.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
  );
  return z.object({ kid: z.string() }).parse(header).kid;
}

/**
 * Refuses changes that another site asks for in a person's name: browsers send the sign-in cookie with those too. Programs
 * send neither header.
 *
 * @throws {TrunklineError} `forbidden`
 */
export function refuseForgery(c: Context): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return;
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  const own =
    site === undefined
      ? origin === undefined || origin === new URL(c.req.url).origin
      : site === 'same-origin';
  if (own) return;
  throw new TrunklineError(
    'forbidden',
    `Cannot ${c.req.method} ${c.req.path}: the page that asks is of another site (${origin ?? site ?? 'unknown'}).`,
  );
}
