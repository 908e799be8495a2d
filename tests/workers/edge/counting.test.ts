import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { TrunklineError } from '../../../shared/errors.ts';
import { createApp } from '../../../workers/edge/app.ts';
import { Endpoints } from '../../../workers/edge/endpoint.ts';
import type { Services } from '../../../workers/edge/services.ts';
import type { Counted } from '../../../workers/edge/traffic-counter.ts';
import { Traffic } from '../../../workers/edge/traffic.ts';
import { digest, putManifest, putRouting, twoTaskManifest } from './fixtures.ts';

// What is counted of requests that come to no answer; tests/flows has those that do, with networks that run.

const counted: Counted[] = [];
const published = { bundles: env.BUNDLES, routing: env.ROUTING };
const app = createApp({
  published,
  keys: {
    require: (scope: string) =>
      scope === 'infer'
        ? Promise.resolve('default')
        : Promise.reject(new TrunklineError('forbidden', `"${scope}" is needed`)),
  },
  endpoints: new Endpoints(published),
  traffic: new Traffic(),
  exposures: { add: () => Promise.resolve() },
  counter: {
    count: (request: Counted) => {
      counted.push(request);
      return Promise.resolve();
    },
  },
} as unknown as Services);

beforeAll(async () => {
  const bundle = await putManifest(env.BUNDLES, twoTaskManifest());
  await putRouting(env.ROUTING, { endpoint: 'ours', revision: 1, tasks: { digit: { bundle } } });
  await putRouting(env.ROUTING, {
    ...{ endpoint: 'theirs', project: 'shop', revision: 1 },
    tasks: { digit: { bundle } },
  });
  const missing = { digit: { bundle: digest('f') } };
  await putRouting(env.ROUTING, { endpoint: 'broken', revision: 1, tasks: missing });
  vi.spyOn(console, 'error').mockReturnValue();
});
beforeEach(() => {
  counted.length = 0;
});

async function infer(path: string, headers: Record<string, string> = {}): Promise<number> {
  const context = createExecutionContext();
  const response = await app.request(
    `/v2/models/${path}/infer`,
    { method: 'POST', headers, body: '{}' },
    env,
    context,
  );
  await response.body?.cancel();
  await waitOnExecutionContext(context);
  return response.status;
}

test.each([
  ['that cannot be read', 'ours', {}, 400, 'invalid'],
  ['for a version that there is not', 'ours/versions/7', {}, 404, 'not-found'],
  ['for an arm, without the scope for that', 'ours', { 'x-trunkline-arm': 'a/b' }, 403, 'forbidden'],
  ['of an endpoint whose bundle is not there', 'broken', {}, 503, 'unavailable'],
])('a request %s counts for its endpoint', async (_, path, headers, status, error) => {
  expect(await infer(path, headers as Record<string, string>)).toBe(status);
  expect(counted).toEqual([{ endpoint: path.split('/')[0], at: expect.any(Date) as unknown, error }]);
});

test.each(['nobody', 'theirs', 'x'.repeat(100)])(
  'a request for %s, which is not there, counts nowhere',
  async (name) => {
    expect(await infer(name)).toBe(404);
    expect(counted).toEqual([]);
  },
);

test('asking what an endpoint is counts nowhere', async () => {
  const response = await app.request('/v2/models/ours', {}, env, createExecutionContext());
  expect(response.status).toBe(200);
  expect(counted).toEqual([]);
});
