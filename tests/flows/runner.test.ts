/** Runners as processes of their own against the real control Worker: what is put in, and what is served at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import type { MergeJob } from '../../client/jobs.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { bytesContent } from '../../gpu-runner/runner/storage/content.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import type { DatasetDocument } from '../../shared/dataset.ts';
import { isFinal, type MergeRequestInput } from '../../shared/jobs.ts';
import { generateKey } from '../../shared/keys.ts';
import { manifest as manifestSchema } from '../../shared/manifest.ts';
import type { ModelDocument } from '../../shared/registry.ts';
import { memoryStore } from '../gpu-runner/runner/storage/memoryStore.ts';
import { tinyMerge, tinyRecipe } from '../gpu-runner/runner/work/tinyTask.ts';

const cli = fileURLToPath(new URL('../../gpu-runner/cli.ts', import.meta.url));
let folder: string;
let platform: Platform;
let client: TrunklineClient;
let runnerKey: string;
const runners = new Set<ChildProcess>();

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
  const store = memoryStore();
  const { sources } = tinyMerge(store.add);
  for (const bytes of store.blobs.values()) {
    const content = bytesContent(bytes);
    await client.uploads.send({
      ...content,
      read: (offset, length) => content.read(offset, offset + length),
    });
  }
  for (const { model, data } of sources) {
    await client.models.register(model.name, model.document as unknown as ModelDocument);
    await client.datasets.register(data.name, data.document as unknown as DatasetDocument);
  }
}, 240_000);
afterEach(() => {
  for (const runner of runners) runner.kill('SIGKILL');
  runners.clear();
});
afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Runner {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

function startRunner(name: string, args: readonly string[] = []): Runner {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'runner', ...args], {
    env: {
      ...process.env,
      TRUNKLINE_URL: platform.controlUrl,
      TRUNKLINE_KEY: runnerKey,
      TRUNKLINE_RUNNER_NAME: name,
      TRUNKLINE_RUNNER_FOLDER: join(folder, name),
      TRUNKLINE_RUNNER_HEALTH: '127.0.0.1:0',
      XDG_CONFIG_HOME: join(folder, 'config'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  runners.add(child);
  const lines: string[] = [];
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { process: child, lines, ended };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(50);
}

const request = (name: string, stepsPerLayer: number): MergeRequestInput => ({
  name,
  sources: ['left', 'right'].map((task) => ({ task, model: `${task}-net@1`, data: `${task}-data` })),
  recipe: { ...tinyRecipe, retraining: { ...tinyRecipe.retraining, stepsPerLayer } },
  endpoint: { name },
  publish: true,
});

const jobOf = async (id: string): Promise<MergeJob> => (await client.jobs.get(id)) as MergeJob;
const finished = async (id: string): Promise<MergeJob> => {
  await until(async () => isFinal((await client.jobs.get(id)).state));
  return jobOf(id);
};
/** Retraining steps that the service was told of, over all attempts. */
const stepsOf = async (id: string): Promise<number> => {
  const { progress } = await jobOf(id);
  return progress?.stage === 'retrain' ? (progress.step ?? 0) : 0;
};

describe('a runner', () => {
  it('reads what is registered, merges, publishes, and ends when there is nothing left to do', async () => {
    const merge = await client.jobs.merge(request('pair', 5));
    const runner = startRunner('first', ['--until-idle']);
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
    const manifest = manifestSchema.parse(
      JSON.parse(new TextDecoder().decode(await client.manifest(tasks.left ?? ''))),
    );
    expect(manifest).toMatchObject({
      name: 'pair',
      createdAt: merge.createdAt,
      lineage: { models: [{ name: 'left-net' }, { name: 'right-net' }] },
    });
    const { result } = await jobOf(merge.id);
    const report: unknown = await (await client.blob(result?.report ?? '')).json();
    expect(report).toMatchObject({ format: 'trunkline.report/1', name: 'pair' });
  }, 120_000);

  it('hands a job back on SIGTERM with exit code 0, and another one goes on to the same bundle, killed once on the way', async () => {
    const undisturbed = await client.jobs.merge(request('calm', 250));
    expect(await startRunner('calm', ['--until-idle']).ended).toBe(0);
    const calm = await finished(undisturbed.id);

    const job = await client.jobs.merge(request('rough', 250));
    const polite = startRunner('polite');
    await until(async () => (await jobOf(job.id)).checkpoint !== null);
    polite.process.kill('SIGTERM');
    expect(await polite.ended).toBe(0);
    expect(polite.lines.join('\n')).toContain(`Job ${job.id}: handed back`);
    expect(await jobOf(job.id)).toMatchObject({
      state: 'queued',
      attempts: 0,
      reason: 'The runner is shutting down',
    });

    const killed = startRunner('killed');
    await until(async () => {
      const { state, runner } = await jobOf(job.id);
      return state === 'leased' && runner?.name === 'killed';
    });
    killed.process.kill('SIGKILL');
    await killed.ended;
    // Nobody says anything: the lease runs out, and the next one that asks gets the job.
    const heir = startRunner('heir');
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

    const files = async ({ result }: MergeJob): Promise<unknown> => {
      const { files: listed } = manifestSchema.parse(
        JSON.parse(new TextDecoder().decode(await client.manifest(result?.bundle ?? ''))),
      );
      return listed.filter(({ path }) => /\.(onnx|weights)$/.test(path));
    };
    expect(await files(rough)).toEqual(await files(calm));
  }, 240_000);

  it('drops a job that is cancelled, and tells so', async () => {
    const job = await client.jobs.merge(request('unwanted', 100_000));
    const runner = startRunner('obedient');
    await until(async () => (await stepsOf(job.id)) > 0);
    await client.jobs.cancel(job.id);
    expect(await finished(job.id)).toMatchObject({ state: 'cancelled', result: null });
    await until(() => runner.lines.some((line) => line.includes(`Job ${job.id}: cancelled`)));
    runner.process.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
  }, 120_000);

  it('refuses to start with a key that is not known', async () => {
    runnerKey = generateKey().key;
    const runner = startRunner('stranger');
    expect(await runner.ended).toBe(1);
    expect(runner.lines.join('\n')).toMatch(/claim answered 401/);
    expect(runner.lines.join('\n')).not.toContain(runnerKey);
  }, 60_000);
});
