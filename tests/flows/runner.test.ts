/** Runners as processes of their own against the real control Worker: what is put in, and what is served at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import type { MergeJob } from '../../client/jobs.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { isFinal } from '../../shared/jobs.ts';
import { generateKey } from '../../shared/keys.ts';
import {
  manifestOf,
  mergeJobOf,
  registerTinyMerge,
  startRunner,
  tinyRequest,
  until,
  type Runner,
} from './runner-process.ts';

let folder: string;
let platform: Platform;
let client: TrunklineClient;
let runnerKey: string;
const runners = new Set<Runner>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-flow-'));
  const adminKey = generateKey().key;
  platform = await startPlatform({
    adminKey,
    persistTo: join(folder, 'state'),
    vars: { JOB_LEASE_SECONDS: '3' },
  });
  const key = await makeKey(platform.controlUrl, adminKey, 'person', ['read', 'write', 'runner']);
  runnerKey = await makeKey(platform.controlUrl, adminKey, 'runner', ['runner']);
  client = new TrunklineClient({ url: platform.controlUrl, key });
  await registerTinyMerge(client);
}, 240_000);
afterEach(() => {
  for (const runner of runners) runner.process.kill('SIGKILL');
  runners.clear();
});
afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(name: string, args: readonly string[] = []): Runner {
  const at = { url: platform.controlUrl, key: runnerKey };
  const runner = startRunner({ ...at, name, folder: join(folder, name) }, args);
  runners.add(runner);
  return runner;
}

const jobOf = (id: string): Promise<MergeJob> => mergeJobOf(client, id);
const finished = async (id: string): Promise<MergeJob> => {
  await until(async () => isFinal((await client.jobs.get(id)).state));
  return jobOf(id);
};

describe('a runner', () => {
  it('reads what is registered, merges, publishes, and ends when there is nothing left to do', async () => {
    const merge = await client.jobs.merge(tinyRequest('pair', 5));
    const runner = start('first', ['--until-idle']);
    expect(await runner.ended).toBe(0);
    expect(await jobOf(merge.id)).toMatchObject({
      state: 'succeeded',
      attempts: 0,
      result: { registered: 'pair@1', endpoint: { name: 'pair' } },
    });
    for (const task of ['left', 'right']) {
      expect((await client.models.inspection(`${task}-net`))?.document).toMatchObject({
        kind: 'model',
        problems: [],
      });
      expect((await client.datasets.inspection(`${task}-data`))?.document).toMatchObject({
        kind: 'dataset',
        samples: 48,
      });
    }
    const { tasks } = await client.endpoints.get('pair');
    expect(Object.keys(tasks).sort()).toEqual(['left', 'right']);
    expect(await manifestOf(client, await jobOf(merge.id))).toMatchObject({
      name: 'pair',
      createdAt: merge.createdAt,
      lineage: { models: [{ name: 'left-net' }, { name: 'right-net' }] },
    });
    const { result } = await jobOf(merge.id);
    const report: unknown = await (await client.blob(result?.report ?? '')).json();
    expect(report).toMatchObject({ format: 'trunkline.report/1', name: 'pair' });
  }, 120_000);

  it('hands a job back on SIGTERM with exit code 0, and another one goes on to the same bundle, killed once on the way', async () => {
    const undisturbed = await client.jobs.merge(tinyRequest('calm', 250));
    expect(await start('calm', ['--until-idle']).ended).toBe(0);
    const calm = await finished(undisturbed.id);

    const job = await client.jobs.merge(tinyRequest('rough', 250));
    const polite = start('polite');
    await until(async () => (await jobOf(job.id)).checkpoint !== null);
    polite.process.kill('SIGTERM');
    expect(await polite.ended).toBe(0);
    expect(polite.lines.join('\n')).toContain(`Job ${job.id}: handed back`);
    expect(await jobOf(job.id)).toMatchObject({
      state: 'queued',
      attempts: 0,
      reason: 'The runner is shutting down',
    });

    const killed = start('killed');
    await until(async () => {
      const { state, runner } = await jobOf(job.id);
      return state === 'leased' && runner?.name === 'killed';
    });
    killed.process.kill('SIGKILL');
    await killed.ended;
    // Nobody says anything: the lease runs out, and the next one that asks gets the job.
    const heir = start('heir');
    const rough = await finished(job.id);
    expect(rough).toMatchObject({ state: 'succeeded', result: { registered: 'rough@1' } });
    const reasons: (string | null)[] = [];
    for await (const { type, data } of client.jobs.log(job.id))
      if (type === 'state') reasons.push(data.reason);
    expect(reasons.filter((reason) => reason !== null)).toEqual([
      'The runner is shutting down',
      expect.stringMatching(/^Nothing was heard of killed until /),
    ]);
    heir.process.kill('SIGTERM');
    expect(await heir.ended).toBe(0);

    const files = async (merged: MergeJob) =>
      (await manifestOf(client, merged)).files.filter(({ path }) => /\.(onnx|weights)$/.test(path));
    expect(await files(rough)).toEqual(await files(calm));
  }, 240_000);

  it('drops a job that is cancelled, and tells so', async () => {
    const job = await client.jobs.merge(tinyRequest('unwanted', 100_000));
    const runner = start('obedient');
    await until(async () => (await jobOf(job.id)).progress?.stage === 'retrain');
    await client.jobs.cancel(job.id);
    expect(await finished(job.id)).toMatchObject({ state: 'cancelled', result: null });
    await until(() => runner.lines.some((line) => line.includes(`Job ${job.id}: cancelled`)));
    runner.process.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
  }, 120_000);

  it('refuses to start with a key that is not known', async () => {
    runnerKey = generateKey().key;
    const runner = start('stranger');
    expect(await runner.ended).toBe(1);
    expect(runner.lines.join('\n')).toMatch(/claim answered 401/);
    expect(runner.lines.join('\n')).not.toContain(runnerKey);
  }, 60_000);
});
