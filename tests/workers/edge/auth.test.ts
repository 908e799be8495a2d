import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { generateKey, hashKey, type KeyGrantInput } from '../../../shared/keys.ts';
import { Keys } from '../../../workers/edge/auth.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { grantKey } from '../../../workers/store/published.ts';

async function publish(grant: Omit<KeyGrantInput, 'id'>): Promise<{ id: string; key: string }> {
  const made = generateKey();
  await env.ROUTING.put(grantKey(await hashKey(made.key)), JSON.stringify({ id: made.id, ...grant }));
  return made;
}
const bearer = (key: string): Headers => new Headers({ authorization: `Bearer ${key}` });

test('require() takes a key with the scope from either header', async () => {
  const { key } = await publish({ scopes: ['read', 'infer'] });
  const keys = new Keys(env.ROUTING);
  await expect(keys.require('infer', bearer(key))).resolves.toBe('default');
  await expect(keys.require('infer', new Headers({ 'x-api-key': key }))).resolves.toBe('default');
  const { key: other } = await publish({ project: 'shop', scopes: ['infer'] });
  await expect(keys.require('infer', bearer(other))).resolves.toBe('shop');
});

test('require() refuses no key, a malformed one and an unknown one', async () => {
  const keys = new Keys(env.ROUTING);
  await expect(keys.require('infer', new Headers())).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining('An API key with scope "infer" is needed') as string,
  });
  await expect(keys.require('infer', bearer('abc'))).rejects.toMatchObject({ code: 'unauthenticated' });
  const { id, key } = generateKey();
  await expect(keys.require('infer', bearer(key))).rejects.toMatchObject({
    code: 'unauthenticated',
    message: `API key ${id} is unknown here or revoked`,
  });
});

test('require() refuses a key without the scope', async () => {
  const { id, key } = await publish({ scopes: ['read', 'write'] });
  await expect(new Keys(env.ROUTING).require('infer', bearer(key))).rejects.toMatchObject({
    code: 'forbidden',
    message: `API key ${id} has scope read, write; "infer" is needed`,
  });
});

test('require() ends a key when it expires, remembered or not', async () => {
  const expiresAt = '2026-06-01T00:00:00Z';
  const { id, key } = await publish({ scopes: ['infer'], expiresAt });
  let now = Date.parse(expiresAt) - 1;
  const keys = new Keys(env.ROUTING, () => now);
  await keys.require('infer', bearer(key));
  now += 1;
  await expect(keys.require('infer', bearer(key))).rejects.toThrow(`API key ${id} expired at ${expiresAt}`);
});

test('require() ends a revoked key after the time it trusts what it read', async () => {
  const { key } = await publish({ scopes: ['infer'] });
  let now = 0;
  const keys = new Keys(env.ROUTING, () => now);
  await keys.require('infer', bearer(key));
  await env.ROUTING.delete(grantKey(await hashKey(key)));
  now = limits.freshMs;
  await expect(keys.require('infer', bearer(key))).rejects.toMatchObject({ code: 'unauthenticated' });
});
