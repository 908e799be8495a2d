import { beforeAll, expect, test } from 'vitest';
import { generateKey, hashKey } from '../../../shared/keys.ts';
import { authenticate, createKey, revokeKey } from '../../../workers/domain/api-keys.ts';
import { findApiKey, listApiKeys } from '../../../workers/store/api-keys.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { readKeyGrant } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { broken, by, freshStores } from '../fixtures.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

const admin = { project: 'default', isOperator: false };
const now = Date.parse(by.at);
const grantOf = async (key: string) => readKeyGrant(stores.kv, await hashKey(key));
const refused = (key: string | null, sentence: RegExp, at = now) =>
  expect(authenticate(stores, key, null, at)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringMatching(sentence) as string,
  });

test('createKey() keeps the hash and not the key', async () => {
  const { key, ...view } = await createKey(
    stores,
    admin,
    { name: 'ci', scopes: ['read', 'read', 'write'] },
    by,
  );
  expect(view).toEqual({
    id: view.id,
    name: 'ci',
    project: 'default',
    scopes: ['read', 'write'],
    createdAt: by.at,
    expiresAt: null,
    revokedAt: null,
  });
  const row = await findApiKey(stores.db, view.id);
  expect(row?.hash).toBe(await hashKey(key));
  const everything = JSON.stringify([await listApiKeys(stores.db, undefined), await listAudit(stores.db)]);
  expect(everything).not.toContain(key);
  expect(everything).not.toContain(key.slice(-64));
});

test('authenticate() knows a key and its scopes', async () => {
  const { id, key } = await createKey(stores, admin, { name: 'reader', scopes: ['read'] }, by);
  expect(await authenticate(stores, key, null, now)).toEqual({
    id,
    project: 'default',
    scopes: ['read'],
    isOperator: false,
  });
});

test('only a key that may infer is made known to the edge', async () => {
  const { key: writer } = await createKey(stores, admin, { name: 'writer', scopes: ['write', 'admin'] }, by);
  expect(await grantOf(writer)).toBeNull();
  const { id, key } = await createKey(
    stores,
    admin,
    { name: 'app', scopes: ['infer'], expiresInDays: 2 },
    by,
  );
  expect(await grantOf(key)).toEqual({
    id,
    project: 'default',
    scopes: ['infer'],
    expiresAt: '2026-01-04T03:04:05.000Z',
  });
});

test('authenticate() refuses no key, a malformed one and an unknown one', async () => {
  await refused(null, /no API key was sent; send one as "Authorization: Bearer tl_\.\.\."/);
  await refused('secret', /does not look like tl_<id>_<secret>/);
  await refused(generateKey().key, /is not known here/);
});

test('authenticate() refuses a key from the moment it expires', async () => {
  const { id, key } = await createKey(
    stores,
    admin,
    { name: 'short', scopes: ['read'], expiresInDays: 1 },
    by,
  );
  const end = now + 86_400_000;
  expect(await authenticate(stores, key, null, end - 1)).toMatchObject({ id });
  await refused(key, new RegExp(`API key ${id} expired at 2026-01-03T03:04:05.000Z`), end);
});

test('revokeKey() ends a key here and at the edge, and is repeatable', async () => {
  const { id, key } = await createKey(stores, admin, { name: 'gone', scopes: ['infer'] }, by);
  await revokeKey(stores, admin, id, by);
  await revokeKey(stores, admin, id, { actor: 'x', at: '2027-01-01T00:00:00.000Z' });
  await refused(key, new RegExp(`API key ${id} was revoked at ${by.at}`));
  expect(await grantOf(key)).toBeNull();
  const { rows } = await listAudit(stores.db);
  expect(rows.filter((row) => row.subject === id).map((row) => row.action)).toEqual([
    'key.revoke',
    'key.create',
  ]);
});

test('revokeKey() of a key that never was is refused', async () => {
  await expect(revokeKey(stores, admin, 'nobody', by)).rejects.toMatchObject({
    code: 'not-found',
    message: 'Cannot revoke key "nobody": there is none.',
  });
});

test('a revocation that did not reach the edge holds here and reaches it when repeated', async () => {
  const { id, key } = await createKey(stores, admin, { name: 'stuck', scopes: ['infer'] }, by);
  const failing = { ...stores, kv: broken(stores.kv, 'delete') };
  await expect(revokeKey(failing, admin, id, by)).rejects.toMatchObject({ code: 'unavailable' });
  await refused(key, /was revoked/);
  expect(await grantOf(key)).not.toBeNull();
  await revokeKey(stores, admin, id, by);
  expect(await grantOf(key)).toBeNull();
});

test('an admin manages the keys of its own project, the operator those of all', async () => {
  const operator = { project: 'default', isOperator: true };
  const request = { name: 'theirs', project: 'shop', scopes: ['infer' as const] };
  await expect(createKey(stores, admin, request, by)).rejects.toMatchObject({
    code: 'forbidden',
    message: 'Cannot make a key of project "shop": this key is of project "default".',
  });
  const { id, key, project } = await createKey(stores, operator, request, by);
  expect(project).toBe('shop');
  expect(await authenticate(stores, key, null, now)).toMatchObject({ id, project: 'shop' });
  expect(await grantOf(key)).toMatchObject({ id, project: 'shop' });
  await expect(revokeKey(stores, admin, id, by)).rejects.toMatchObject({ code: 'not-found' });
  const { rows } = await listApiKeys(stores.db, 'shop');
  expect(rows.map((row) => row.id)).toEqual([id]);
  const { rows: audited } = await listAudit(stores.db, 'shop');
  expect(audited.map((row) => row.subject)).toEqual([id]);
  await revokeKey(stores, { project: 'shop', isOperator: false }, id, by);
  await refused(key, /was revoked/);
});

test('the bootstrap key may manage keys and nothing else', async () => {
  const { key } = generateKey();
  const hash = await hashKey(key);
  expect(await authenticate(stores, key, hash, now)).toEqual({
    id: 'bootstrap',
    project: 'default',
    scopes: ['admin'],
    isOperator: true,
  });
  await refused(key, /is not known here/);
  await expect(authenticate(stores, generateKey().key, hash, now)).rejects.toMatchObject({
    code: 'unauthenticated',
  });
});
