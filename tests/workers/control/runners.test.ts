import { beforeAll, expect, test } from 'vitest';
import { runnerList, type RunnerView } from '../../../shared/jobs.ts';
import { completeJob } from '../../../workers/domain/jobs/complete-job.ts';
import { failJob } from '../../../workers/domain/jobs/end-attempt.ts';
import { claimJob } from '../../../workers/domain/jobs/claim-job.ts';
import { cancelJob } from '../../../workers/domain/jobs/cancel-job.ts';
import { sweepJobs } from '../../../workers/domain/jobs/sweep-jobs.ts';
import { viewOfRunner } from '../../../workers/domain/jobs/view-of-runner.ts';
import { listRunners } from '../../../workers/store/runners.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';
import { askInspection, inspected, newProject, runnerOf } from '../jobs.ts';
import { answer, makeKey } from './client.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});
const start = Date.parse(by.at);
const later = (ms: number): string => new Date(start + ms).toISOString();
const leaseMs = 60_000;
const ask = { kinds: ['inspect' as const] };

/** The runners of a project, as they are told at that time. */
async function told(project: string, at: string): Promise<RunnerView[]> {
  const { rows, next } = await listRunners(stores.db, project);
  return runnerList.parse({ runners: rows.map((row) => viewOfRunner(row, at)), next }).runners;
}

test('GET /v1/runners tells who asked for work, through the same call that runners make', async () => {
  const { key } = await makeKey('runner');
  const claimed = { runner: runnerOf('gpu-1'), kinds: ['merge', 'plan'] };
  expect((await answer('POST', '/v1/runner/claim', { key, json: claimed }))[0]).toBe(204);
  const reader = await makeKey('read');
  const [status, body] = await answer('GET', '/v1/runners', { key: reader.key });
  expect(status).toBe(200);
  expect(runnerList.parse(body)).toMatchObject({
    runners: [{ ...runnerOf('gpu-1'), kinds: ['merge', 'plan'], state: 'waiting', jobs: [], succeeded: 0 }],
    next: null,
  });
});

test('a runner works, waits, and is silent when nothing is heard of it', async () => {
  const place = await newProject(stores);
  const id = await askInspection(stores, place);
  const term = { at: by.at, leaseMs };
  await claimJob(stores, place.project, { runner: runnerOf('r'), ...ask }, term);
  expect(await told(place.project, by.at)).toMatchObject([{ state: 'working', jobs: [id] }]);
  // The lease runs out, and with it the job.
  await sweepJobs(stores, later(leaseMs + 1));
  expect(await told(place.project, later(leaseMs + 1))).toMatchObject([
    { state: 'waiting', jobs: [], failed: 1 },
  ]);
  expect(await told(place.project, later(180_001))).toMatchObject([{ state: 'silent' }]);
});

test('attempts count for who made them, once; what was cancelled or handed back does not', async () => {
  const place = await newProject(stores);
  const { project } = place;
  let minutes = 0;
  const claim = async () => {
    await askInspection(stores, place);
    minutes += 60;
    const term = { at: later(minutes * 60_000), leaseMs };
    const row = await claimJob(stores, project, { runner: runnerOf('r'), ...ask }, term);
    if (!row) throw new Error('there is no job');
    return { lease: { project, job: row.id, token: row.token }, change: { ...by, at: term.at } };
  };
  const counts = async () => (await told(project, by.at)).map(({ succeeded, failed }) => [succeeded, failed]);

  const done = await claim();
  const result = { inspection: inspected };
  for (let twice = 0; twice < 2; twice++)
    await completeJob(stores, done.lease, result, { maxManifestBytes: 1e6 }, done.change);
  expect(await counts()).toEqual([[1, 0]]);

  const failed = await claim();
  const ending = { reason: 'no memory', retryable: false, handBack: false };
  for (let twice = 0; twice < 2; twice++) await failJob(stores, failed.lease, ending, failed.change);
  expect(await counts()).toEqual([[1, 1]]);

  const handed = await claim();
  await failJob(stores, handed.lease, { ...ending, retryable: true, handBack: true }, handed.change);
  await cancelJob(stores, project, handed.lease.job, handed.change);
  const cancelled = await claim();
  await cancelJob(stores, project, cancelled.lease.job, cancelled.change);
  await failJob(stores, cancelled.lease, ending, cancelled.change);
  expect(await counts()).toEqual([[1, 1]]);
});
