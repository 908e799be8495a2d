import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test, vi } from 'vitest';
import worker from '../../../workers/control/index.ts';
import { runSchedule } from '../../../workers/control/schedule.ts';
import { startExperiment } from '../../../workers/domain/move-experiment.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { findExperiment } from '../../../workers/store/experiments.ts';
import { readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { publishArms, requestOf, sendTraffic } from '../experiments.ts';
import { broken, by, freshStores } from '../fixtures.ts';

let stores: Stores;
let arms: Awaited<ReturnType<typeof publishArms>>;
beforeAll(async () => {
  stores = await freshStores();
  arms = await publishArms(stores, 'vision');
});
const now = new Date('2026-01-03T00:00:00.000Z');

async function running(name: string, on: Stores = stores): Promise<void> {
  await setEndpoint(stores, { endpoint: name, tasks: arms.separate }, by);
  const guardrails = [{ kind: 'accuracy' as const, task: 'digit', maxDrop: 0.05 }];
  await saveExperiment(stores, { experiment: name, request: requestOf(name, arms, { guardrails }) }, by);
  await startExperiment(on, { experiment: name }, by);
}
const stateOf = async (name: string) => (await findExperiment(stores.db, name))?.state;

test('within one period a damaged arm is rolled back, and the others are judged too', async () => {
  await running('damaged');
  await running('healthy');
  await sendTraffic(stores, 'damaged', { experiment: 'damaged', units: 400, right: { merged: 0.2 } });
  await sendTraffic(stores, 'healthy', { experiment: 'healthy', units: 4000 });
  await worker.scheduled(createScheduledController({ scheduledTime: now }), env);
  expect(await stateOf('damaged')).toBe('rolled-back');
  expect(await stateOf('healthy')).toBe('decided');
  expect(await readRouting(env.ROUTING, 'damaged')).toMatchObject({ revision: 1, experiments: [] });
  const entry = (await listAudit(stores.db)).rows.find((row) => row.subject === 'damaged');
  expect(entry).toMatchObject({ actor: 'rule', at: now.toISOString(), action: 'experiment.roll-back' });
});

test('what could not be published is published', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue();
  await running('unheard', { ...stores, kv: broken(stores.kv, 'put') });
  log.mockRestore();
  expect(await readRouting(env.ROUTING, 'unheard')).toMatchObject({ experiments: [] });
  await runSchedule(env, now);
  expect(await readRouting(env.ROUTING, 'unheard')).toMatchObject({
    experiments: [{ experiment: 'unheard' }],
  });
});

test('an experiment that cannot be judged does not keep the others from their turn', async () => {
  await running('a-broken');
  await running('b-fine');
  const document = await findExperiment(stores.db, 'a-broken');
  // As if an older program had written it.
  await env.DB.prepare(
    `UPDATE experiment_versions SET document = ? WHERE experiment = 'a-broken' AND version = 2`,
  )
    .bind(JSON.stringify({ ...document?.document, arms: [] }))
    .run();
  await sendTraffic(stores, 'b-fine', { experiment: 'b-fine', units: 400, right: { merged: 0.2 } });
  await expect(runSchedule(env, now)).rejects.toThrow('The schedule could not do everything');
  expect(await stateOf('b-fine')).toBe('rolled-back');
});
