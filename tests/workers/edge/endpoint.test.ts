import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { Endpoints } from '../../../workers/edge/endpoint.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { manifestKey } from '../../../workers/store/published.ts';
import { routed } from './experiments.ts';
import { digest, image, putManifest, putRouting, twoTaskManifest } from './fixtures.ts';

const published = { bundles: env.BUNDLES, routing: env.ROUTING };
const route = (endpoint: string, revision: number, tasks: Record<string, string>): Promise<void> =>
  putRouting(env.ROUTING, {
    endpoint,
    revision,
    tasks: Object.fromEntries(Object.entries(tasks).map(([task, bundle]) => [task, { bundle }])),
  });

test('find() puts an endpoint together from its routing and manifests', async () => {
  const one = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'one' }));
  const other = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'other' }));
  await route('mixed', 4, { fashion: other, digit: one });
  const endpoint = await new Endpoints(published).find('mixed');
  expect(endpoint).toMatchObject({ name: 'mixed', revision: 4, inputs: [image] });
  expect([...endpoint.tasks.keys()].sort()).toEqual(['digit', 'fashion']);
  expect(endpoint.tasks.get('fashion')).toMatchObject({ bundleId: other, head: { task: 'fashion' } });
});

test('find() sees a new revision after the time it trusts the old one', async () => {
  const id = await putManifest(env.BUNDLES, twoTaskManifest());
  let now = 1_000_000;
  const endpoints = new Endpoints(published, () => now);
  await route('moving', 1, { digit: id });
  expect((await endpoints.find('moving')).revision).toBe(1);
  await route('moving', 2, { digit: id, fashion: id });
  now += limits.freshMs - 1;
  expect((await endpoints.find('moving')).revision).toBe(1);
  now += 1;
  expect((await endpoints.find('moving')).revision).toBe(2);
});

test('find() reads a manifest once, since it never changes', async () => {
  const id = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'once' }));
  await route('first', 1, { digit: id });
  await route('second', 1, { fashion: id });
  const endpoints = new Endpoints(published);
  await endpoints.find('first');
  await env.BUNDLES.delete(manifestKey(id));
  expect((await endpoints.find('second')).tasks.has('fashion')).toBe(true);
});

test('find() refuses unknown names, and does not remember that', async () => {
  const endpoints = new Endpoints(published);
  await expect(endpoints.find('later')).rejects.toMatchObject({
    code: 'not-found',
    message: 'Unknown model "later": no endpoint has this name',
  });
  await expect(endpoints.find('../key')).rejects.toMatchObject({ code: 'not-found' });
  await route('later', 1, { digit: await putManifest(env.BUNDLES, twoTaskManifest()) });
  expect((await endpoints.find('later')).revision).toBe(1);
});

test('find() refuses what does not fit together, and recovers when it does', async () => {
  const id = await putManifest(env.BUNDLES, twoTaskManifest());
  const endpoints = new Endpoints(published);
  await route('wrong', 1, { digit: digest('e') });
  await expect(endpoints.find('wrong')).rejects.toMatchObject({ code: 'unavailable' });
  await route('wrong', 2, { letter: id });
  await expect(endpoints.find('wrong')).rejects.toThrow(
    /^Cannot serve wrong: bundle [0-9a-f]{12} has no head "letter"$/,
  );
  await route('wrong', 3, {});
  await expect(endpoints.find('wrong')).rejects.toThrow('Cannot serve wrong: it has no tasks');
  const small = twoTaskManifest({ inputs: [{ ...image, dims: [-1, 3, 3] }] });
  await route('wrong', 4, { digit: id, fashion: await putManifest(env.BUNDLES, small) });
  await expect(endpoints.find('wrong')).rejects.toThrow(/tasks ".*" and ".*" read different inputs$/);
  await route('wrong', 5, { digit: id });
  expect((await endpoints.find('wrong')).revision).toBe(5);
});

test('withArm() puts an endpoint together as the arm serves it', async () => {
  const id = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'default' }));
  const other = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'arm' }));
  const experiments = [routed()];
  await putRouting(env.ROUTING, {
    endpoint: 'tested',
    revision: 2,
    tasks: { digit: { bundle: id } },
    experiments,
  });
  const endpoints = new Endpoints(published);
  const endpoint = await endpoints.find('tested');
  expect(endpoint.experiments).toEqual(experiments);
  const served = await endpoints.withArm(endpoint, { name: 'merged', weight: 1, tasks: { digit: other } });
  expect(served).toMatchObject({ name: 'tested', revision: 2, inputs: [image], experiments });
  expect(served.tasks.get('digit')).toMatchObject({ bundleId: other, head: { task: 'digit' } });
  expect(endpoint.tasks.get('digit')).toMatchObject({ bundleId: id });
});

test('withArm() refuses an arm that cannot serve, and leaves the endpoint alone', async () => {
  const id = await putManifest(env.BUNDLES, twoTaskManifest());
  const small = twoTaskManifest({ inputs: [{ ...image, dims: [-1, 3, 3] }] });
  const other = await putManifest(env.BUNDLES, small);
  await route('stable', 1, { digit: id });
  const endpoints = new Endpoints(published);
  const endpoint = await endpoints.find('stable');
  const arm = (tasks: Record<string, string>) =>
    endpoints.withArm(endpoint, { name: 'new', weight: 1, tasks });
  await expect(arm({ digit: digest('e') })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(arm({ letter: id })).rejects.toThrow(
    /^Cannot serve arm "new" of stable: bundle .* has no head "letter"$/,
  );
  await expect(arm({ digit: other })).rejects.toThrow(
    'Cannot serve arm "new" of stable: it reads other inputs than stable',
  );
  expect((await arm({ digit: id })).tasks.size).toBe(1);
});
