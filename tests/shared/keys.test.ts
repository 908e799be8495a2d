import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateKey, hashKey, isExpired, keyFromHeaders, keyGrant, keyId } from '../../shared/keys.ts';

test('generateKey() makes keys that name their id and never repeat', () => {
  const made = Array.from({ length: 50 }, () => generateKey());
  for (const { id, key } of made) {
    expect(key).toMatch(/^tl_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(keyId(key)).toBe(id);
  }
  expect(new Set(made.map(({ key }) => key)).size).toBe(50);
});

test('keyId() refuses what is not a key', () => {
  const { key } = generateKey();
  for (const text of ['', 'tl_', key.slice(0, -1), `${key}0`, key.toUpperCase(), ` ${key}`, `${key}\n`]) {
    expect(keyId(text)).toBeNull();
  }
});

test('hashKey() is the SHA-256 of the whole key', async () => {
  const { key } = generateKey();
  expect(await hashKey(key)).toBe(createHash('sha256').update(key).digest('hex'));
});

test('keyFromHeaders() reads both headers, Authorization first', () => {
  const read = (headers: Record<string, string>): string | null => keyFromHeaders(new Headers(headers));
  expect(read({ Authorization: 'Bearer tl_a' })).toBe('tl_a');
  expect(read({ authorization: 'bearer  tl_a ' })).toBe('tl_a');
  expect(read({ 'X-API-Key': 'tl_b' })).toBe('tl_b');
  expect(read({ Authorization: 'Bearer tl_a', 'X-API-Key': 'tl_b' })).toBe('tl_a');
  expect(read({ Authorization: 'Basic dXNlcg==' })).toBeNull();
  expect(read({})).toBeNull();
});

test('isExpired() holds from the moment on', () => {
  const expiresAt = '2026-01-01T00:00:00.000Z';
  const moment = Date.parse(expiresAt);
  expect(isExpired({ expiresAt }, moment - 1)).toBe(false);
  expect(isExpired({ expiresAt }, moment)).toBe(true);
  expect(isExpired({}, moment)).toBe(false);
});

test('keyGrant refuses unknown scopes, no scopes and further fields', () => {
  expect(keyGrant.safeParse({ id: 'a', scopes: ['infer'] }).success).toBe(true);
  for (const wrong of [
    { id: 'a', scopes: ['root'] },
    { id: 'a', scopes: [] },
    { id: 'a', scopes: ['infer'], hash: 'x' },
    { id: 'a', scopes: ['infer'], expiresAt: 'tomorrow' },
  ]) {
    expect(keyGrant.safeParse(wrong).success).toBe(false);
  }
});
