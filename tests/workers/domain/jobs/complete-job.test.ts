import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../../../shared/digest.ts';
import { askMerge } from '../../../../workers/domain/jobs/ask-merge.ts';
import { cancelJob } from '../../../../workers/domain/jobs/cancel-job.ts';
import { completeJob } from '../../../../workers/domain/jobs/complete-job.ts';
import { failJob } from '../../../../workers/domain/jobs/end-attempt.ts';
import { claimJob } from '../../../../workers/domain/jobs/claim-job.ts';
import type { Lease } from '../../../../workers/domain/jobs/lease.ts';
import { finishPublishing, sweepJobs } from '../../../../workers/domain/jobs/sweep-jobs.ts';
import { findOwnJob } from '../../../../workers/domain/jobs/view-of-job.ts';
import { publishEndpoint } from '../../../../workers/domain/publish-endpoint.ts';
import { setEndpoint } from '../../../../workers/domain/set-endpoint.ts';
import { storeBlob } from '../../../../workers/domain/store-blob.ts';
import { listAudit } from '../../../../workers/store/audit.ts';
import { findEndpoint, listUntold } from '../../../../workers/store/endpoints.ts';
import { listEvents } from '../../../../workers/store/jobs.ts';
import { readRouting } from '../../../../workers/store/published.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { listVersions } from '../../../../workers/store/versions.ts';
import { dyingAt, storesThrough } from '../../faulty-stores.ts';
import { bytesOf, freshStores, manifestOf, tinyModel } from '../../fixtures.ts';
import { mergeOf, mergeProject, runnerOf } from '../../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

const tasks = ['digit', 'clothing'];
const limits = { maxManifestBytes: 1e6 };
const leaseMs = 60_000;
const claimed = { runner: runnerOf('r1'), kinds: ['merge' as const] };
/** Ahead of the real clock by nothing that matters: what is published is compared with nothing of today. */
const start = Date.UTC(2026, 0, 1);
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();

interface Place {
  project: string;
  endpoint: string;
  lease: Lease;
  bundle: string;
}

/** Stores content in the project; answers its digest. */
async function put(project: string, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const sha256 = await sha256Hex(content);
  const upload = { sha256, sizeBytes: content.length, body: new Response(content).body };
  await storeBlob(stores, upload, 1e6, { actor: 'runner', project, at: at(0) });
  return sha256;
}

/** The manifest of a bundle of these tasks as a blob, its files beside it. */
async function putBundle(project: string, answers: string[] = tasks, name = 'pair'): Promise<string> {
  for (const task of answers) await put(project, tinyModel(task));
  const manifest = await manifestOf(answers, { name });
  return put(project, bytesOf(JSON.stringify({ ...manifest, preprocessing: project })));
}

/** A merge that a runner has leased, and whose bundle is stored. */
async function leased(change: Parameters<typeof mergeOf>[1] = {}): Promise<Place> {
  const project = await mergeProject(stores, tasks);
  const endpoint = `e-${project}`;
  const request = mergeOf(tasks, { endpoint: { name: endpoint }, publish: true, ...change });
  const asking = { project, owner: 'alice', idempotencyKey: null };
  await askMerge(stores, asking, request, { actor: 'alice', project, at: at(0) });
  return { ...(await claim(project)), endpoint, bundle: await putBundle(project) };
}
async function claim(project: string, seconds = 1): Promise<{ project: string; lease: Lease }> {
  const row = await claimJob(stores, project, claimed, { at: at(seconds), leaseMs });
  if (row === null) throw new Error('there is no job');
  return { project, lease: { project, job: row.id, token: row.token } };
}
const complete = (on: Stores, { lease, bundle }: Pick<Place, 'lease' | 'bundle'>, seconds = 2) =>
  completeJob(on, lease, { bundle }, limits, { actor: 'runner', project: lease.project, at: at(seconds) });

/** Once registered, once ended, one revision of the endpoint, and the edge knows. */
async function expectPublishedOnce({ project, endpoint, lease, bundle }: Place): Promise<void> {
  const job = await findOwnJob(stores, project, lease.job);
  expect(job).toMatchObject({
    state: 'succeeded',
    result: { bundle, registered: 'pair@1', endpoint: { name: endpoint, revision: 1 }, report: null },
  });
  const { rows: versions } = await listVersions(stores.db, { project, kind: 'bundles', name: 'pair' });
  expect(versions.map(({ version, digest }) => [version, digest])).toEqual([[1, bundle]]);
  const { rows: events } = await listEvents(stores.db, lease.job);
  expect(events.filter(({ data }) => 'state' in data && data.state === 'succeeded')).toHaveLength(1);
  const { rows: audit } = await listAudit(stores.db, project);
  const actions = audit.map(({ action }) => action);
  for (const once of ['job.finished', 'endpoint.set', 'bundle.publish', 'version.register'] as const) {
    // Models and data sets were registered before, bundles have their own row.
    const count = audit.filter(
      ({ action, subject }) => action === once && !/^(models|datasets)/.test(subject),
    ).length;
    expect(count, `${once} in ${actions.join()}`).toBe(1);
  }
  expect(await findEndpoint(stores.db, endpoint)).toMatchObject({ revision: 1 });
  expect(await readRouting(stores.kv, endpoint)).toMatchObject({
    project,
    revision: 1,
    tasks: { digit: { bundle }, clothing: { bundle } },
  });
}

test('a result is published, registered and served, with what it was made from', async () => {
  const place = await leased();
  await complete(stores, place);
  await expectPublishedOnce(place);
  const { rows } = await listAudit(stores.db, place.project);
  expect(rows.find(({ action }) => action === 'job.finished')).toMatchObject({
    subject: place.lease.job,
    detail: { kind: 'merge', name: 'pair', bundle: place.bundle, registered: 'pair@1' },
  });
  // Said again it changes nothing.
  await complete(stores, place, 3);
  await expectPublishedOnce(place);
});

describe('wherever the process dies while it completes a job', () => {
  let log: { mockRestore: () => void };
  beforeEach(() => {
    log = vi.spyOn(console, 'error').mockReturnValue();
    return () => log.mockRestore();
  });
  const recoveries: Record<string, (place: Place) => Promise<void>> = {
    'the runner that asks again': async (place) => {
      await complete(stores, place, 10);
    },
    'the schedule and, where it must, another runner': async (place) => {
      await sweepJobs(stores, at(120));
      await finishPublishing(stores, at(120));
      const job = await findOwnJob(stores, place.project, place.lease.job);
      if (job.state !== 'queued') return;
      const { lease } = await claim(place.project, 600);
      await complete(stores, { lease, bundle: place.bundle }, 601);
    },
  };

  test.each(Object.entries(recoveries))(
    '%s brings it to one publication',
    async (_, recover) => {
      let at = 1;
      for (let lived = false; !lived; at++) {
        const place = await leased();
        // What is there when a call is not made is what was there after the call before it.
        const { around, calls } = dyingAt(at, true);
        await complete(storesThrough(around), place).catch(() => undefined);
        lived = calls() < at;
        await recover(place);
        for (const endpoint of await listUntold(stores.db))
          await publishEndpoint(stores, endpoint, '2026-01-01T01:00:00.000Z');
        await expectPublishedOnce(place);
      }
      // Reading the job, the decision, the bundle's own steps, the end, the pointer.
      expect(at).toBeGreaterThan(10);
    },
    60_000,
  );
});

test('a result is not taken under a token that is stale, nor of a job that was cancelled', async () => {
  const place = await leased();
  await sweepJobs(stores, at(120));
  const again = await claim(place.project, 600);
  await expect(complete(stores, place, 601)).rejects.toMatchObject({
    code: 'conflict',
    message: `Cannot complete job ${place.lease.job} with token 1: token 2 holds it.`,
  });
  await cancelJob(stores, place.project, place.lease.job, { actor: 'alice', at: at(602) });
  await expect(complete(stores, { ...again, bundle: place.bundle }, 603)).rejects.toMatchObject({
    code: 'conflict',
    message: `Cannot complete job ${place.lease.job}: it was cancelled.`,
  });
  expect(await findOwnJob(stores, place.project, place.lease.job)).toMatchObject({ state: 'cancelled' });
  const { rows } = await listVersions(stores.db, { project: place.project, kind: 'bundles', name: 'pair' });
  expect(rows).toEqual([]);
});

test('what is being published can neither be cancelled nor failed, and another bundle is not taken', async () => {
  const place = await leased();
  const { around } = dyingAt(4, true);
  await complete(storesThrough(around), place).catch(() => undefined);
  const { project, lease } = place;
  expect((await findOwnJob(stores, project, lease.job)).publishing).toEqual({
    bundle: place.bundle,
    report: null,
  });
  const by = { actor: 'alice', project, at: at(5) };
  await expect(cancelJob(stores, project, lease.job, by)).rejects.toMatchObject({
    message: `Cannot cancel job ${lease.job}: its result is being published.`,
  });
  const ending = { reason: 'no', retryable: true, handBack: false };
  await expect(failJob(stores, lease, ending, by)).rejects.toMatchObject({ code: 'conflict' });
  const bundle = await put(project, bytesOf('{"another": true}'));
  await expect(complete(stores, { lease, bundle })).rejects.toMatchObject({
    message: `Cannot complete job ${lease.job}: bundle ${place.bundle} is being published for it already.`,
  });
  await complete(stores, place);
  await expectPublishedOnce(place);
});

test('what is not what was asked for ends the attempt with the reason', async () => {
  const cases: [(project: string) => Promise<string>, RegExp][] = [
    [(project) => putBundle(project, tasks, 'other'), /it is called "other", "pair" was asked for/],
    [(project) => putBundle(project, ['digit']), /it answers digit, not clothing, digit/],
    [(project) => put(project, bytesOf('no JSON')), /its manifest is not JSON/],
  ];
  for (const [make, why] of cases) {
    const place = await leased();
    const bundle = await make(place.project);
    const message = expect.stringMatching(why) as string;
    await expect(complete(stores, { ...place, bundle })).rejects.toMatchObject({ message });
    const job = await findOwnJob(stores, place.project, place.lease.job);
    expect(job).toMatchObject({ state: 'queued', attempts: 1, publishing: null, reason: message });
    expect(await findEndpoint(stores.db, place.endpoint)).toBeUndefined();
  }
});

test('a manifest that is not stored is refused, and the attempt goes on', async () => {
  const place = await leased();
  await expect(complete(stores, { ...place, bundle: 'a'.repeat(64) })).rejects.toMatchObject({
    code: 'unprocessable',
    message: `Cannot complete job ${place.lease.job}: its manifest is not stored: blob ${'a'.repeat(64)}.`,
  });
  expect((await findOwnJob(stores, place.project, place.lease.job)).state).toBe('leased');
});

test('an endpoint keeps its other tasks, and without publish nothing moves', async () => {
  const place = await leased();
  const { project, endpoint } = place;
  await complete(stores, place);
  const other = await leased({ publish: false });
  const row = await complete(stores, other);
  expect(row.result).toMatchObject({ registered: 'pair@1', endpoint: null });
  expect(await findEndpoint(stores.db, other.endpoint)).toBeUndefined();

  const request = mergeOf(tasks, { endpoint: { name: endpoint, tasks: ['digit'] }, publish: true });
  const by = { actor: 'alice', project, at: at(10) };
  await askMerge(stores, { project, owner: 'alice', idempotencyKey: null }, request, by);
  const { lease } = await claim(project, 11);
  for (const task of tasks) await put(project, tinyModel(task));
  const manifest = { ...(await manifestOf(tasks, { name: 'pair' })), createdAt: at(99) };
  const bundle = await put(project, bytesOf(JSON.stringify(manifest)));
  expect((await complete(stores, { lease, bundle }, 12)).result).toMatchObject({ registered: 'pair@2' });
  expect(await findEndpoint(stores.db, endpoint)).toMatchObject({
    revision: 2,
    tasks: { digit: bundle, clothing: place.bundle },
  });
});

test('a bundle that the endpoint cannot take is there all the same, and the job says why it is not served', async () => {
  const place = await leased();
  const owner = await leased();
  await complete(stores, owner);
  // Somebody else takes the name between the asking and the end.
  const tasksOf = { digit: owner.bundle, clothing: owner.bundle };
  await setEndpoint(
    stores,
    { endpoint: place.endpoint, tasks: tasksOf },
    { actor: 'bob', project: owner.project, at: at(2) },
  );
  const row = await complete(stores, place, 3);
  expect(row).toMatchObject({
    state: 'succeeded',
    reason: 'The endpoint stays as it is: its name is taken by another project.',
    result: { registered: 'pair@1', endpoint: null },
  });
});
