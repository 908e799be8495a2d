import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { generateKey, hashKey, type Scope } from '../../../shared/keys.ts';
import { createApp } from '../../../workers/edge/app.ts';
import { Keys } from '../../../workers/edge/auth.ts';
import { Endpoints } from '../../../workers/edge/endpoint.ts';
import type { Services } from '../../../workers/edge/services.ts';
import { Traffic } from '../../../workers/edge/traffic.ts';
import { grantKey } from '../../../workers/store/published.ts';
import { putManifest, putRouting, twoTaskManifest } from './fixtures.ts';

const published = { bundles: env.BUNDLES, routing: env.ROUTING };
// What only inference needs is left out: these routes run no network.
const app = createApp({
  published,
  keys: new Keys(env.ROUTING),
  endpoints: new Endpoints(published),
  traffic: new Traffic(),
} as unknown as Services);

async function keyOf(project: string, ...scopes: Scope[]): Promise<string> {
  const { id, key } = generateKey();
  await env.ROUTING.put(grantKey(await hashKey(key)), JSON.stringify({ id, project, scopes }));
  return key;
}
const ask = async (method: string, path: string, key: string): Promise<[number, unknown]> => {
  const response = await app.request(path, { method, headers: { Authorization: `Bearer ${key}` } });
  return [response.status, await response.json()];
};

test('a key sees the endpoints of its project and no others', async () => {
  const bundle = await putManifest(env.BUNDLES, twoTaskManifest());
  const tasks = { digit: { bundle } };
  await putRouting(env.ROUTING, { endpoint: 'ours', revision: 1, tasks });
  await putRouting(env.ROUTING, { endpoint: 'theirs', project: 'shop', revision: 1, tasks });
  const keys = { ours: await keyOf('default', 'infer'), theirs: await keyOf('shop', 'infer') };

  expect((await ask('GET', '/v2/models/ours', keys.ours))[0]).toBe(200);
  expect((await ask('GET', '/v2/models/theirs', keys.theirs))[0]).toBe(200);
  const unknown = (name: string) => ({ error: `Unknown model "${name}": no endpoint has this name` });
  expect(await ask('GET', '/v2/models/theirs', keys.ours)).toEqual([404, unknown('theirs')]);
  expect(await ask('POST', '/v2/models/ours/infer', keys.theirs)).toEqual([404, unknown('ours')]);
  // As if there were no such name at all.
  expect(await ask('GET', '/v2/models/nothing', keys.ours)).toEqual([404, unknown('nothing')]);

  const [, ours] = await ask('POST', '/v2/repository/index', keys.ours);
  expect(ours).toMatchObject([{ name: 'ours', state: 'READY' }]);
  const [, theirs] = await ask('POST', '/v2/repository/index', keys.theirs);
  expect(theirs).toMatchObject([{ name: 'theirs', state: 'READY' }]);
});
