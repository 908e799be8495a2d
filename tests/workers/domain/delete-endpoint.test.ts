import { sql } from 'drizzle-orm';
import { beforeAll, expect, test } from 'vitest';
import { deleteEndpoint } from '../../../workers/domain/delete-endpoint.ts';
import { startExperiment } from '../../../workers/domain/move-experiment.ts';
import { publishEndpoint } from '../../../workers/domain/publish-endpoint.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { findEndpoint, listEndpoints, listUntold } from '../../../workers/store/endpoints.ts';
import { readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { publishArms, requestOf } from '../experiments.ts';
import { broken, by, freshStores, publish } from '../fixtures.ts';

let stores: Stores;
let digit: string;
beforeAll(async () => {
  stores = await freshStores();
  digit = await publish(stores, ['digit'], { name: 'digit-net' });
});

const later = { actor: 'somebody', at: '2026-02-02T02:02:02.000Z' };
const referencesOf = (endpoint: string) =>
  stores.db.all(sql`SELECT * FROM bundle_references WHERE "by" = 'endpoint' AND name = ${endpoint}`);

test('an endpoint goes with its history, and its name goes on counting', async () => {
  const endpoint = 'short-lived';
  const other = await publish(stores, ['digit'], { name: 'other-net' });
  await setEndpoint(stores, { endpoint, tasks: { digit } }, by);
  await setEndpoint(stores, { endpoint, tasks: { digit: other } }, by);
  expect(await referencesOf(endpoint)).toHaveLength(2);
  await deleteEndpoint(stores, endpoint, later);
  expect(await readRouting(stores.kv, endpoint)).toBeNull();
  expect(await referencesOf(endpoint)).toEqual([]);
  const { rows } = await listEndpoints(stores.db, 'default');
  expect(rows.map((row) => row.endpoint)).not.toContain(endpoint);
  await expect(deleteEndpoint(stores, endpoint, later)).rejects.toMatchObject({
    code: 'not-found',
    message: 'Cannot delete endpoint "short-lived": there is none.',
  });
  const again = await setEndpoint(stores, { endpoint, tasks: { digit }, from: 0 }, later);
  expect(again).toMatchObject({ created: true, endpoint: { revision: 4 } });
  expect(await readRouting(stores.kv, endpoint)).toMatchObject({ revision: 4 });
});

test('an endpoint the edge could not be told of is still served, and goes when asked again or by the schedule', async () => {
  const failing = { ...stores, kv: broken(stores.kv, 'delete') };
  for (const [endpoint, finish] of [
    ['asked-again', () => deleteEndpoint(stores, 'asked-again', later)],
    ['by-schedule', () => publishEndpoint(stores, 'by-schedule', later.at)],
  ] as const) {
    await setEndpoint(stores, { endpoint, tasks: { digit } }, by);
    await expect(deleteEndpoint(failing, endpoint, later)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readRouting(stores.kv, endpoint)).toMatchObject({ revision: 1 });
    expect(await listUntold(stores.db)).toContain(endpoint);
    await finish();
    expect(await readRouting(stores.kv, endpoint)).toBeNull();
    expect(await listUntold(stores.db)).not.toContain(endpoint);
  }
});

test('an endpoint with an experiment that is not over is kept', async () => {
  const endpoint = 'compared';
  const arms = await publishArms(stores, endpoint);
  await saveExperiment(stores, { experiment: 'live', request: requestOf(endpoint, arms) }, by);
  await startExperiment(stores, { experiment: 'live' }, by);
  await expect(deleteEndpoint(stores, endpoint, later)).rejects.toMatchObject({
    code: 'conflict',
    message:
      'Cannot delete endpoint "compared": experiment "live" is running on it; decide it or roll it back first.',
  });
  expect(await findEndpoint(stores.db, endpoint)).toMatchObject({ revision: 1 });
});

test('an endpoint belongs to a project', async () => {
  const endpoint = 'ours';
  const rival = { ...by, project: 'rival' };
  await setEndpoint(stores, { endpoint, tasks: { digit } }, by);
  await expect(deleteEndpoint(stores, endpoint, rival)).rejects.toMatchObject({ code: 'not-found' });
  await expect(setEndpoint(stores, { endpoint, tasks: { digit } }, rival)).rejects.toMatchObject({
    code: 'conflict',
    message: 'Cannot set endpoint "ours": the name is taken by another project.',
  });
  // Nor can it serve what another project has published.
  await expect(setEndpoint(stores, { endpoint: 'theirs', tasks: { digit } }, rival)).rejects.toMatchObject({
    code: 'unprocessable',
    message: `Cannot set endpoint "theirs": bundle ${digit} of task "digit" is not published.`,
  });
});
