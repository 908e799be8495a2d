import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import type { EdgeMessage } from '../../../shared/traffic-message.ts';
import { readBindings } from '../../../workers/edge/env.ts';

test('readBindings() names the binding that a deployment lacks', () => {
  expect(() => readBindings({ BUNDLES: env.BUNDLES })).toThrow(
    'this Worker has no binding ROUTING (KV) and EXPOSURES (queue)',
  );
  expect(() => readBindings({})).toThrow('BUNDLES (R2) and ROUTING (KV) and EXPOSURES (queue)');
});

test('readBindings() reads the trusted keys, and does not start without those it was given', () => {
  const bindings = { BUNDLES: env.BUNDLES, ROUTING: env.ROUTING, EXPOSURES: {} as Queue<EdgeMessage> };
  const keys = [{ keyId: '0123456789abcdef', publicKey: btoa('x'.repeat(32)) }];
  expect(readBindings(bindings).trusted).toBeNull();
  expect(readBindings({ ...bindings, SIGNING_PUBLIC_KEYS: JSON.stringify(keys) }).trusted).toEqual(keys);
  for (const wrong of ['', 'keys', '[]', '[{}]', JSON.stringify([{ ...keys[0], publicKey: 'AAAA' }])]) {
    expect(() => readBindings({ ...bindings, SIGNING_PUBLIC_KEYS: wrong })).toThrow(
      /^Cannot start: SIGNING_PUBLIC_KEYS is no JSON list of \{ keyId, publicKey \}/,
    );
  }
});
