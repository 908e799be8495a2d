import { env } from 'cloudflare:workers';
import { sign } from 'hono/jwt';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { AccessKeys, personOf } from '../../../workers/control/access.ts';
import type { Access } from '../../../workers/control/env.ts';
import { freshStores } from '../fixtures.ts';
import { answer, call, makeKey, refusal, type Call } from './client.ts';

const access: Access = {
  teamDomain: 'team.cloudflareaccess.com',
  audience: 'an-audience',
  admins: ['ada@example.com'],
};
const bindings = {
  ACCESS_TEAM_DOMAIN: access.teamDomain,
  ACCESS_AUD: access.audience,
  ACCESS_ADMINS: 'Ada@example.com, ',
};

interface Pair {
  kid: string;
  secret: JsonWebKey & { kid: string };
  shown: JsonWebKey & { kid: string };
}
async function newPair(kid: string): Promise<Pair> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const [secret, shown] = [await exported(pair.privateKey), await exported(pair.publicKey)];
  return { kid, secret: { ...secret, kid, alg: 'RS256' }, shown: { ...shown, kid, alg: 'RS256' } };
}
const exported = async (key: CryptoKey): Promise<JsonWebKey> =>
  (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey;

let pair: Pair;
let stranger: Pair;
beforeAll(async () => {
  await freshStores();
  pair = await newPair('k1');
  stranger = await newPair('k1');
});

const seconds = (): number => Math.floor(Date.now() / 1000);
const statement = (claims: object = {}, by = pair): Promise<string> =>
  sign(
    {
      iss: `https://${access.teamDomain}`,
      aud: [access.audience],
      email: 'Ada@example.com',
      iat: seconds(),
      exp: seconds() + 60,
      ...claims,
    },
    by.secret,
    'RS256',
  );

/** Access's own address, which shows these keys; `asked` counts. */
function certs(shown: () => Pair['shown'][]) {
  const asked: string[] = [];
  const send: typeof fetch = (input) => {
    asked.push(new Request(input).url);
    return Promise.resolve(Response.json({ keys: shown() }));
  };
  return { asked, send };
}
const who = async (token: string) =>
  personOf(token, access, new AccessKeys(certs(() => [pair.shown]).send), Date.now());

describe('personOf()', () => {
  test('knows people by their address, and who manages keys', async () => {
    expect(await who(await statement())).toEqual({
      id: 'ada@example.com',
      project: 'default',
      scopes: ['outcome', 'read', 'write', 'admin'],
      isOperator: false,
    });
    expect((await who(await statement({ email: 'bob@example.com' }))).scopes).toEqual([
      'outcome',
      'read',
      'write',
    ]);
  });

  test('refuses what is forged, for somebody else, over, or not from Access, without repeating it', async () => {
    const [head = '', , tail = ''] = (await statement()).split('.');
    const other = (await statement({ email: 'eve@example.com' })).split('.')[1] ?? '';
    const unsigned = `${btoa(JSON.stringify({ alg: 'none', typ: 'JWT', kid: 'k1' }))}.${other}.`;
    const symmetric = await sign({ email: 'eve@example.com', exp: seconds() + 60 }, 'guess', 'HS256');
    const wrong: Record<string, string> = {
      'signed by another key': await statement({}, stranger),
      'another body': `${head}.${other}.${tail}`,
      'another audience': await statement({ aud: ['other'] }),
      'another team': await statement({ iss: 'https://evil.cloudflareaccess.com' }),
      over: await statement({ exp: seconds() - 1 }),
      endless: await statement({ exp: undefined }),
      'nobody in it': await statement({ email: undefined }),
      unsigned,
      symmetric,
      'no statement': 'a.b.c',
    };
    for (const [why, token] of Object.entries(wrong)) {
      const error: unknown = await who(token).catch((cause: unknown) => cause);
      expect(error, why).toMatchObject({ code: 'unauthenticated' });
      expect((error as Error).message + String((error as Error).cause), why).not.toContain(token);
    }
  });
});

test('the keys are asked for once an hour, and again when there is a new one', async () => {
  const newer = await newPair('k2');
  let shown = [pair.shown];
  const { asked, send } = certs(() => shown);
  const keys = new AccessKeys(send);
  const now = Date.now();
  await personOf(await statement(), access, keys, now);
  await personOf(await statement(), access, keys, now + 3_599_000);
  expect(asked).toEqual(['https://team.cloudflareaccess.com/cdn-cgi/access/certs']);
  shown = [newer.shown, pair.shown];
  // A key that nobody knows does not make every request ask.
  const signed = await statement({}, newer);
  await expect(personOf(signed, access, new AccessKeys(send), now)).resolves.toBeDefined();
  expect(asked).toHaveLength(2);
  await personOf(signed, access, keys, now + 3_599_500);
  expect(asked).toHaveLength(3);
  const down = new AccessKeys(() => Promise.resolve(new Response('', { status: 500 })));
  await expect(personOf(signed, access, down, now)).rejects.toMatchObject({ code: 'unavailable' });
});

describe('in front of the routes', () => {
  beforeEach(() => {
    const { send } = certs(() => [pair.shown]);
    const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(send);
    return () => spy.mockRestore();
  });
  const asAda = async (options: Call = {}): Promise<Call> => ({
    bindings,
    ...options,
    headers: { 'Cf-Access-Jwt-Assertion': await statement(), ...options.headers },
  });

  test('a person reads, and is who the audit log names', async () => {
    expect((await call('GET', '/v1/bundles', await asAda())).status).toBe(200);
    const json = { name: 'made by a person', scopes: ['read'] };
    expect((await call('POST', '/v1/keys', await asAda({ json }))).status).toBe(201);
    const [, audit] = await answer('GET', '/v1/audit', await asAda());
    expect(audit).toMatchObject({ entries: [{ actor: 'ada@example.com', action: 'key.create' }] });
    expect((await call('POST', '/v1/runner/claim', await asAda({ json: {} }))).status).toBe(403);
  });

  test('a change that another site asks for in a person’s name is refused', async () => {
    const json = { name: 'x', scopes: ['read'] };
    const sent: Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://evil.test' },
    ];
    for (const headers of sent) {
      const request = await asAda({ json, headers });
      expect(await answer('POST', '/v1/keys', request)).toEqual([
        403,
        refusal('forbidden', /^Cannot POST \/v1\/keys: the page that asks is of another site \(/),
      ]);
    }
    const own = await asAda({
      json,
      headers: { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://localhost' },
    });
    expect((await call('POST', '/v1/keys', own)).status).toBe(201);
  });

  test('a key goes first, and without the configuration a statement is nothing', async () => {
    const { key } = await makeKey('infer');
    expect((await call('GET', '/v1/bundles', await asAda({ key }))).status).toBe(403);
    const headers = { 'Cf-Access-Jwt-Assertion': await statement() };
    expect((await call('GET', '/v1/bundles', { headers })).status).toBe(401);
  });
});

describe('too many requests', () => {
  const limiter = (success: boolean) => ({
    RATE_LIMITER: { limit: vi.fn(() => Promise.resolve({ success })) },
  });

  test('are told to come again, per key', async () => {
    const { id, key } = await makeKey('read');
    const full = limiter(false);
    const response = await call('GET', '/v1/bundles', { key, bindings: full });
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '10']);
    expect(await response.json()).toEqual(
      refusal('rate-limited', 'Cannot answer: there were too many requests; send it again in 10 seconds.'),
    );
    expect(full.RATE_LIMITER.limit.mock.calls).toEqual([[{ key: `caller ${id}` }]]);
    expect((await call('GET', '/v1/bundles', { key, bindings: limiter(true) })).status).toBe(200);
  });

  test('whoever tries keys is counted by address', async () => {
    const full = limiter(false);
    const headers = { 'CF-Connecting-IP': '192.0.2.7' };
    expect((await call('GET', '/v1/bundles', { key: 'guess', headers, bindings: full })).status).toBe(429);
    expect(full.RATE_LIMITER.limit.mock.calls).toEqual([[{ key: 'refused 192.0.2.7' }]]);
    expect(
      (await call('GET', '/v1/bundles', { key: 'guess', headers, bindings: limiter(true) })).status,
    ).toBe(401);
  });

  test('the configuration brings a counter', async () => {
    expect(await env.RATE_LIMITER?.limit({ key: 'somebody' })).toEqual({ success: true });
  });
});
