import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { errorBody } from '../../../shared/api.ts';
import { generateKey } from '../../../shared/keys.ts';
import { readEnv } from '../../../workers/control/env.ts';
import worker from '../../../workers/control/index.ts';
import { broken, freshStores } from '../fixtures.ts';
import { answer, bootstrap, call, makeKey, refusal } from './client.ts';

let reader: string;
beforeAll(async () => {
  await freshStores();
  reader = (await makeKey('read')).key;
});

test('GET /health answers anybody', async () => {
  expect(await answer('GET', '/health')).toEqual([200, { live: true }]);
});

test('the Worker is the app', async () => {
  const response = await worker.fetch(new Request('https://control.test/health'), env);
  expect(response.status).toBe(200);
});

test('a request without a key is told how to send one', async () => {
  const response = await call('GET', '/v1/jobs');
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
});

test('a refusal for a missing scope says which', async () => {
  const { id, key } = await makeKey('read', 'infer');
  expect(await answer('PUT', '/v1/endpoints/vision', { key })).toEqual([
    403,
    refusal(
      'forbidden',
      `Cannot PUT /v1/endpoints/vision: it needs a key with scope "write", key ${id} has read, infer.`,
    ),
  ]);
});

test('a key counts in the X-API-Key header too', async () => {
  const { key } = await makeKey('read');
  expect((await call('GET', '/v1/bundles', { headers: { 'X-API-Key': key } })).status).toBe(200);
});

test('a key that is malformed or unknown is refused', async () => {
  expect(await answer('GET', '/v1/bundles', { key: 'password' })).toEqual([
    401,
    refusal('unauthenticated', /does not look like tl_<id>_<secret>/),
  ]);
  expect(await answer('GET', '/v1/bundles', { key: generateKey().key })).toEqual([
    401,
    refusal('unauthenticated', /is not known here/),
  ]);
});

test('without a bootstrap hash in the configuration there is no bootstrap key', async () => {
  const response = await call('GET', '/v1/keys', {
    key: bootstrap,
    bindings: { BOOTSTRAP_KEY_HASH: undefined },
  });
  expect(response.status).toBe(401);
});

test('unknown addresses and methods are 404, with a key and without', async () => {
  expect(await answer('GET', '/nothing')).toEqual([
    404,
    refusal('not-found', 'There is no GET /nothing here.'),
  ]);
  expect(await answer('GET', '/v1/nothing', { key: reader })).toEqual([
    404,
    refusal('not-found', 'There is no GET /v1/nothing here.'),
  ]);
  expect((await answer('PATCH', '/v1/endpoints/vision', { key: reader }))[0]).toBe(404);
  // Nobody without a key learns what exists.
  expect((await answer('GET', '/v1/nothing'))[0]).toBe(401);
});

test('every reply carries a request id: the one that was sent, or a new one', async () => {
  const sent = await call('GET', '/health', { headers: { 'X-Request-Id': 'abc-123' } });
  expect(sent.headers.get('X-Request-Id')).toBe('abc-123');
  const refused = await call('GET', '/v1/keys', { headers: { 'X-Request-Id': 'not a good id' } });
  expect(refused.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('what goes wrong unforeseen is logged under the request id, and told without details', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue();
  const response = await call('GET', '/v1/bundles', {
    key: reader,
    bindings: { DB: broken(env.DB, 'prepare') },
    headers: { 'X-Request-Id': 'r-1' },
  });
  expect(response.status).toBe(500);
  const body = errorBody.parse(await response.json());
  expect(body.error).toEqual({
    code: 'internal',
    message: 'Something went wrong here. The log knows more under request r-1.',
  });
  expect(log.mock.calls[0]?.[0]).toBe('r-1');
  log.mockRestore();
});

describe('readEnv()', () => {
  test('reads limits as numbers', () => {
    expect(readEnv(env)).toMatchObject({
      maxBlobBytes: 100_000_000,
      maxManifestBytes: 4_194_304,
      bootstrapKeyHash: null,
      webhook: null,
    });
    const webhook = { WEBHOOK_URL: 'https://hooks.test/a', WEBHOOK_SECRET: 's'.repeat(32) };
    expect(readEnv({ ...env, ...webhook }).webhook).toEqual({
      url: 'https://hooks.test/a',
      secret: 's'.repeat(32),
    });
  });

  test('names what is missing or wrong', () => {
    const { DB, BUNDLES, ROUTING, DEAD_LETTERS, ...variables } = env;
    const bindings = { DB, BUNDLES, ROUTING, DEAD_LETTERS };
    const complaint = (wrong: Parameters<typeof readEnv>[0]) => () => readEnv(wrong);
    expect(complaint({ ...variables, BUNDLES, ROUTING })).toThrow('binding DB (D1) is missing');
    expect(complaint({ ...variables, DB, ROUTING })).toThrow('binding BUNDLES (R2) is missing');
    expect(complaint({ ...variables, DB, BUNDLES })).toThrow('binding ROUTING (KV) is missing');
    expect(complaint({ ...variables, DB, BUNDLES, ROUTING })).toThrow('binding DEAD_LETTERS (R2) is missing');
    expect(complaint({ ...env, WEBHOOK_URL: 'https://hooks.test/a' })).toThrow(/WEBHOOK_SECRET go together/);
    expect(complaint({ ...variables, ...bindings, MAX_BLOB_BYTES: 'many' })).toThrow(/MAX_BLOB_BYTES: /);
    expect(complaint({ ...variables, ...bindings, BOOTSTRAP_KEY_HASH: 'abc' })).toThrow(
      'The control Worker is not configured: BOOTSTRAP_KEY_HASH: must be a SHA-256 digest in lower-case hex.',
    );
  });
});
