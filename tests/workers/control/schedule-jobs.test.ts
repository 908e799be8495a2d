import { env } from 'cloudflare:workers';
import { beforeAll, expect, test, vi } from 'vitest';
import { runSchedule } from '../../../workers/control/schedule.ts';
import { signature as signatureOf, tellWebhook } from '../../../workers/control/webhook.ts';
import { failJob } from '../../../workers/domain/jobs/end-attempt.ts';
import { claimJob } from '../../../workers/domain/jobs/claim-job.ts';
import { heartbeat } from '../../../workers/domain/jobs/lease.ts';
import { retryJob } from '../../../workers/domain/jobs/retry-job.ts';
import { findOwnJob } from '../../../workers/domain/jobs/view-of-job.ts';
import { maxAttempts } from '../../../shared/jobs.ts';
import { listEvents } from '../../../workers/store/jobs.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';
import { askInspection, newProject, runnerOf } from '../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

const leaseMs = 60_000;
const start = Date.parse(by.at);
const later = (ms: number): Date => new Date(start + ms);
const claimed = (name = 'r1') => ({ runner: runnerOf(name), kinds: ['inspect' as const] });

test('leases that ran out are taken back until the job is a dead letter, which says why', async () => {
  const place = await newProject(stores);
  const id = await askInspection(stores, place);
  let ms = 0;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const term = { at: later(ms).toISOString(), leaseMs };
    expect((await claimJob(stores, place.project, claimed(), term))?.token).toBe(attempt);
    // Nothing happens to a lease that holds.
    await runSchedule(env, later(ms + leaseMs - 1));
    expect((await findOwnJob(stores, place.project, id)).state).toBe('leased');
    await runSchedule(env, later(ms + leaseMs));
    const job = await findOwnJob(stores, place.project, id);
    expect(job).toMatchObject({
      state: attempt < maxAttempts ? 'queued' : 'failed',
      attempts: attempt,
      reason: `Nothing was heard of r1 until ${later(ms + leaseMs).toISOString()}.`,
    });
    // Nobody gets it before it has waited.
    const wait = Date.parse(job.notBefore) - start - ms - leaseMs;
    if (attempt < maxAttempts) {
      expect(wait).toBe(5_000 * 2 ** (attempt - 1));
      const early = { at: later(ms + leaseMs + wait - 1).toISOString(), leaseMs };
      expect(await claimJob(stores, place.project, claimed(), early)).toBeNull();
    }
    ms += leaseMs + wait;
  }
  const retried = await retryJob(stores, { project: place.project, owner: 'alice' }, id, by);
  expect(retried).toMatchObject({ created: true, job: { state: 'queued', attempts: 0, retryOf: id } });
});

test('progress of jobs that ended long ago is forgotten, what became of them is not', async () => {
  const place = await newProject(stores);
  const { project } = place;
  const job = await askInspection(stores, place);
  const term = { at: by.at, leaseMs };
  await claimJob(stores, project, claimed(), term);
  const lease = { project, job, token: 1 };
  await heartbeat(stores, lease, { progress: { stage: 'read', at: by.at } }, term);
  await failJob(stores, lease, { reason: 'broken file', retryable: false, handBack: false }, by);
  const types = async () => (await listEvents(stores.db, job)).rows.map(({ type }) => type);
  await runSchedule(env, later(6 * 86_400_000));
  expect(await types()).toEqual(['state', 'state', 'progress', 'state']);
  await runSchedule(env, later(8 * 86_400_000));
  expect(await types()).toEqual(['state', 'state', 'state']);
});

test('the webhook hears of jobs that ended, signed', async () => {
  const webhook = { url: 'https://hooks.test/jobs', secret: 's'.repeat(32) };
  const told: { body: string; signature: string }[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    told.push({ body: await request.text(), signature: request.headers.get('X-Trunkline-Signature') ?? '' });
    return new Response();
  };
  await tellWebhook(stores, webhook, later(0), send);
  told.length = 0;
  const place = await newProject(stores);
  const { project } = place;
  const job = await askInspection(stores, place);
  await claimJob(stores, project, claimed(), { at: by.at, leaseMs });
  await failJob(
    stores,
    { project, job, token: 1 },
    { reason: 'broken file', retryable: false, handBack: false },
    by,
  );
  const log = vi.spyOn(console, 'error').mockReturnValue();
  await tellWebhook(stores, webhook, later(1000), send);
  log.mockRestore();
  expect(told).toHaveLength(1);
  const { body = '', signature = '' } = told[0] ?? {};
  expect(JSON.parse(body)).toMatchObject({
    action: 'job.failed',
    job,
    project,
    detail: { kind: 'inspect', reason: 'broken file' },
  });
  const [, seconds = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  expect(mac).toBe(await signatureOf(webhook.secret, `${seconds}.${body}`));
});
