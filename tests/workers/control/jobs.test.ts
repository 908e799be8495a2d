import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { createdKey } from '../../../shared/api.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import { claimReply, jobList, jobLog, jobView, type JobView } from '../../../shared/jobs.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { bytesOf, freshStores, manifestOf, tinyModel } from '../fixtures.ts';
import { inspected, mergeOf, mergeProject, runnerOf } from '../jobs.ts';
import { answer, bootstrap, call, refusal } from './client.ts';

const tasks = ['digit', 'clothing'];
let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

/** A project of its own with what a merge takes, a person's key and a runner's. */
async function place() {
  const project = await mergeProject(stores, tasks);
  const make = async (...scopes: string[]): Promise<string> => {
    const json = { name: scopes.join(), project, scopes };
    return createdKey.parse((await answer('POST', '/v1/keys', { key: bootstrap, json }))[1]).key;
  };
  return { project, person: await make('read', 'write'), runner: await make('runner') };
}
const ask = async (key: string, json: unknown, headers: Record<string, string> = {}): Promise<JobView> =>
  jobView.parse((await answer('POST', '/v1/merges', { key, json, headers }))[1]);
const claimBody = { runner: runnerOf('r1'), kinds: ['inspect', 'merge'] };
const claim = async (key: string) =>
  claimReply.parse((await answer('POST', '/v1/runner/claim', { key, json: claimBody }))[1]);

/** The parts of a stream of server-sent events. */
async function readEvents(
  response: Response,
): Promise<{ id?: string; event?: string; data?: string; retry?: string }[]> {
  const blocks = (await response.text())
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'));
  return blocks.map((block) =>
    Object.fromEntries(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    ),
  );
}

test('from asking to publishing, as a person, a runner and a spectator see it', async () => {
  const { person, runner } = await place();
  const asked = await call('POST', '/v1/merges', { key: person, json: mergeOf(tasks) });
  expect(asked.status).toBe(201);
  const job = jobView.parse(await asked.json());
  expect(asked.headers.get('Location')).toBe(`/v1/jobs/${job.id}`);
  expect(job).toMatchObject({ state: 'queued', kind: 'merge', attempts: 0, maxAttempts: 5, result: null });

  const work = await claim(runner);
  expect(work).toMatchObject({
    job: { id: job.id, state: 'leased', runner: { name: 'r1' } },
    lease: { token: 1 },
    attempt: 1,
    checkpoint: null,
    inputs: {
      kind: 'merge',
      sources: [
        {
          task: 'digit',
          model: { name: 'digit-net', version: 1, document: { format: 'trunkline.model/1' } },
        },
        { task: 'clothing', data: { name: 'clothing-data', document: { format: 'trunkline.dataset/1' } } },
      ],
    },
  });
  expect(Date.parse(work.lease.expiresAt) - Date.now()).toBeGreaterThan(50_000);
  // There is only one.
  expect(await answer('POST', '/v1/runner/claim', { key: runner, json: claimBody })).toEqual([204, null]);

  const base = `/v1/runner/jobs/${job.id}`;
  const at = new Date().toISOString();
  const progress = { stage: 'zip', layer: 'conv1', layerIndex: 1, layers: 4, losses: { digit: 0.5 }, at };
  const [status, beat] = await answer('POST', `${base}/heartbeat`, {
    key: runner,
    json: { token: 1, progress },
  });
  expect([status, beat]).toEqual([200, { cancelRequested: false, expiresAt: expect.any(String) as string }]);

  const saved = bytesOf('half done');
  const sha256 = await sha256Hex(saved);
  await call('PUT', `/v1/blobs/${sha256}`, { key: runner, body: saved });
  const checkpoint = { sha256, sizeBytes: saved.length, step: 7 };
  expect(
    (await answer('PUT', `${base}/checkpoint`, { key: runner, json: { token: 1, ...checkpoint } }))[0],
  ).toBe(200);
  expect(
    await answer('PUT', `${base}/checkpoint`, {
      key: runner,
      json: { token: 1, ...checkpoint, sizeBytes: 1 },
    }),
  ).toEqual([422, refusal('unprocessable', /it has 9 bytes, not 1/)]);
  expect(jobView.parse((await answer('GET', `/v1/jobs/${job.id}`, { key: person }))[1])).toMatchObject({
    progress,
    checkpoint,
  });

  // It hands the job back; the next one goes on from the checkpoint, and no attempt was used up.
  await answer('POST', `${base}/fail`, {
    key: runner,
    json: { token: 1, reason: 'shutting down', retryable: true, handBack: true },
  });
  const again = await claim(runner);
  expect(again).toMatchObject({ lease: { token: 2 }, attempt: 1, checkpoint });
  expect(await answer('POST', `${base}/heartbeat`, { key: runner, json: { token: 1 } })).toEqual([
    409,
    refusal('conflict', `Cannot go on with job ${job.id} with token 1: token 2 holds it.`),
  ]);

  for (const task of tasks) {
    const model = tinyModel(task);
    await call('PUT', `/v1/blobs/${await sha256Hex(model)}`, { key: runner, body: model });
  }
  const manifest = bytesOf(JSON.stringify(await manifestOf(tasks)));
  const bundle = await sha256Hex(manifest);
  await call('PUT', `/v1/blobs/${bundle}`, { key: runner, body: manifest });
  const done = { key: runner, json: { token: 2, result: { bundle } } };
  const [completed, view] = await answer('POST', `${base}/complete`, done);
  expect([completed, view]).toMatchObject([
    200,
    { state: 'succeeded', result: { bundle, registered: 'pair@1', endpoint: null } },
  ]);
  expect(await answer('POST', `${base}/complete`, done)).toEqual([200, view]);

  const events = await readEvents(await call('GET', `/v1/jobs/${job.id}/events`, { key: person }));
  expect(events[0]).toEqual({ retry: '1000' });
  const told = events
    .slice(1)
    .map(({ event, data }) => [
      event,
      (JSON.parse(data ?? '') as { data: { state?: string; stage?: string } }).data,
    ]);
  expect(
    told.map(([, data]) => (data as { state?: string }).state ?? (data as { stage?: string }).stage),
  ).toEqual(['queued', 'leased', 'zip', 'queued', 'leased', 'succeeded']);
  const log = jobLog.parse((await answer('GET', `/v1/jobs/${job.id}/log`, { key: person }))[1]);
  expect(log.events.map(({ sequence }) => String(sequence))).toEqual(events.slice(1).map(({ id }) => id));
});

describe('GET /v1/jobs/:id/events', () => {
  test('goes on after Last-Event-ID, and tells who has all to stop', async () => {
    const { person } = await place();
    const { id } = await ask(person, mergeOf(tasks));
    await answer('POST', `/v1/jobs/${id}/cancel`, { key: person });
    const all = await readEvents(await call('GET', `/v1/jobs/${id}/events`, { key: person }));
    const ids = all.flatMap((event) => (event.id === undefined ? [] : [event.id]));
    expect(ids).toHaveLength(2);
    const from = (last: string) =>
      call('GET', `/v1/jobs/${id}/events`, { key: person, headers: { 'Last-Event-ID': last } });
    expect((await readEvents(await from(ids[0] ?? ''))).map((event) => event.id)).toEqual([
      undefined,
      ids[1],
    ]);
    const end = await from(ids[1] ?? '');
    expect([end.status, await end.text()]).toEqual([204, '']);
    expect((await from('soon')).status).toBe(400);
  });

  test('waits for what happens while it is open', async () => {
    const { person } = await place();
    const { id } = await ask(person, mergeOf(tasks));
    const response = await call('GET', `/v1/jobs/${id}/events`, { key: person });
    expect(response.headers.get('Content-Type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform');
    await answer('POST', `/v1/jobs/${id}/cancel`, { key: person });
    const events = await readEvents(response);
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ data: { state: 'cancelled' } });
  });
});

test('the same idempotency key is the same job, and only with the same body', async () => {
  const { person } = await place();
  const headers = { 'Idempotency-Key': 'once-1' };
  const first = await ask(person, mergeOf(tasks), headers);
  expect((await ask(person, mergeOf(tasks), headers)).id).toBe(first.id);
  expect(
    await answer('POST', '/v1/merges', { key: person, json: mergeOf(tasks, { priority: 3 }), headers }),
  ).toEqual([
    409,
    refusal(
      'conflict',
      new RegExp(`^Cannot ask for this merge under idempotency key "once-1": job ${first.id} was`),
    ),
  ]);
  const [, list] = await answer('GET', '/v1/jobs?kind=merge', { key: person });
  expect(jobList.parse(list).jobs).toHaveLength(1);
});

test('cancel and retry, from both sides', async () => {
  const { person, runner } = await place();
  const { id } = await ask(person, mergeOf(tasks));
  expect((await answer('POST', `/v1/jobs/${id}/retry`, { key: person }))[0]).toBe(409);
  const { lease } = await claim(runner);
  const [status, cancelling] = await answer('POST', `/v1/jobs/${id}/cancel`, { key: person });
  expect([status, cancelling]).toMatchObject([202, { state: 'leased', cancelRequested: true }]);
  const [, beat] = await answer('POST', `/v1/runner/jobs/${id}/heartbeat`, {
    key: runner,
    json: { token: lease.token },
  });
  expect(beat).toMatchObject({ cancelRequested: true });
  const json = { token: lease.token, reason: 'cancelled', retryable: false };
  const [, ended] = await answer('POST', `/v1/runner/jobs/${id}/fail`, { key: runner, json });
  expect(ended).toMatchObject({ state: 'cancelled', reason: 'Cancelled on request.' });

  const [created, retried] = await answer('POST', `/v1/jobs/${id}/retry`, { key: person });
  expect([created, retried]).toMatchObject([201, { state: 'queued', retryOf: id }]);
  const [repeated, same] = await answer('POST', `/v1/jobs/${id}/retry`, { key: person });
  expect([repeated, same]).toEqual([200, retried]);
});

test('lists narrow by state, kind and owner, and refuse what they do not know', async () => {
  const { person } = await place();
  const one = await ask(person, mergeOf(tasks));
  const two = await ask(person, mergeOf(tasks));
  await answer('POST', `/v1/jobs/${one.id}/cancel`, { key: person });
  const ids = async (query: string) =>
    jobList.parse((await answer('GET', `/v1/jobs${query}`, { key: person }))[1]).jobs.map(({ id }) => id);
  expect(await ids('')).toEqual([two.id, one.id]);
  expect(await ids('?state=queued')).toEqual([two.id]);
  expect(await ids('?kind=inspect')).toEqual([]);
  expect(await ids(`?owner=${one.owner}&state=cancelled`)).toEqual([one.id]);
  expect(await answer('GET', '/v1/jobs?state=lost', { key: person })).toEqual([
    400,
    refusal('invalid', /^Cannot GET \/v1\/jobs: the query is wrong: state: /),
  ]);
});

test('a registered model is inspected, and shows what the runner read', async () => {
  const { person, runner } = await place();
  const model = tinyModel('inspect me');
  const sha256 = await sha256Hex(model);
  await call('PUT', `/v1/blobs/${sha256}`, { key: person, body: model });
  const document = {
    format: 'trunkline.model/1',
    files: [{ path: 'n.onnx', sha256, sizeBytes: model.length }],
    labels: [],
  };
  await answer('POST', '/v1/models/net/versions', { key: person, json: document });
  const work = await claim(runner);
  expect(work.inputs).toMatchObject({
    kind: 'inspect',
    of: 'models',
    version: { name: 'net', version: 1, document },
  });
  const complete = (inspection: unknown) =>
    answer('POST', `/v1/runner/jobs/${work.job.id}/complete`, {
      key: runner,
      json: { token: 1, result: { inspection } },
    });
  const samples = { samples: 1, sampleDims: [1], classes: 1, labelCounts: [1], badFiles: [], problems: [] };
  expect(await complete({ format: 'trunkline.inspection/1', kind: 'dataset', ...samples })).toEqual([
    422,
    refusal('unprocessable', /it inspects models, the result is the inspection of a dataset/),
  ]);
  expect((await complete(inspected))[0]).toBe(200);
  const [, shown] = await answer('GET', '/v1/models/net/versions/1/inspection', { key: person });
  expect(shown).toMatchObject({ inspection: { document: inspected } });
});

test('a lease is as long as the configuration says', async () => {
  const { person, runner } = await place();
  await ask(person, mergeOf(tasks));
  const bindings = { ...env, JOB_LEASE_SECONDS: '5' };
  const response = await call('POST', '/v1/runner/claim', { key: runner, json: claimBody, bindings });
  const { lease } = claimReply.parse(await response.json());
  expect(Date.parse(lease.expiresAt) - Date.now()).toBeLessThanOrEqual(5_000);
});
