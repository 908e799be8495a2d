import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { readBindings } from '../../../workers/edge/env.ts';

test('readBindings() names the binding that a deployment lacks', () => {
  expect(() => readBindings({ BUNDLES: env.BUNDLES })).toThrow(
    'this Worker has no binding ROUTING (KV) and EXPOSURES (queue)',
  );
  expect(() => readBindings({})).toThrow('BUNDLES (R2) and ROUTING (KV) and EXPOSURES (queue)');
});
