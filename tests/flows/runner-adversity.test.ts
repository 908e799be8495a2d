/**
 * A merge while everything around it breaks: runners are killed at random moments, one call in five to the control Worker
 * fails or is never answered, and the control Worker itself is restarted. What comes out is what comes out in peace.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { startPlatform, type Platform, type PlatformOptions } from '../../scripts/platform.ts';
import { isFinal } from '../../shared/jobs.ts';
import { generateKey } from '../../shared/keys.ts';
import { startFlakyProxy, type FlakyProxy } from './flaky-proxy.ts';
import {
  manifestOf,
  mergeJobOf,
  registerTinyMerge,
  startRunner,
  tinyRequest,
  until,
} from './runner-process.ts';

/** `KILLS=20` kills as often as the criterion says; it takes minutes. */
const kills = Number(process.env.KILLS ?? 5);
const seed = 20;
let folder: string;
let options: PlatformOptions;
let platform: Platform;
let proxy: FlakyProxy;
let client: TrunklineClient;
let runnerKey: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-adversity-'));
  options = {
    adminKey: generateKey().key,
    persistTo: join(folder, 'state'),
    vars: { JOB_LEASE_SECONDS: '2' },
  };
  platform = await startPlatform(options);
  const key = await makeKey(platform.controlUrl, options.adminKey, 'person', ['read', 'write', 'admin']);
  runnerKey = await makeKey(platform.controlUrl, options.adminKey, 'runner', ['runner']);
  client = new TrunklineClient({ url: platform.controlUrl, key, attempts: 8 });
  await registerTinyMerge(client);
  proxy = await startFlakyProxy(platform.controlUrl, 0.2, seed);
}, 240_000);
afterAll(async () => {
  await proxy.stop();
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

const start = (name: string, url: string) =>
  startRunner({ url, key: runnerKey, name, folder: join(folder, name) });

it('a merge comes out the same, published once, with nothing left over', async () => {
  const calm = await client.jobs.merge(tinyRequest('calm', 300));
  const undisturbed = start('calm', platform.controlUrl);
  await until(async () => isFinal((await client.jobs.get(calm.id)).state));
  undisturbed.process.kill('SIGTERM');
  expect(await undisturbed.ended).toBe(0);

  const random = new Random(seed);
  const job = await client.jobs.merge(tinyRequest('rough', 300));
  const over = async (): Promise<boolean> => isFinal((await client.jobs.get(job.id)).state);
  for (let kill = 0; kill < kills && !(await over()); kill += 1) {
    const victim = start(`victim-${kill}`, proxy.url);
    // From its start to the middle of the work.
    await Promise.race([setTimeout(500 + random.uniform() * 4000), until(over)]);
    victim.process.kill('SIGKILL');
    await victim.ended;
    if (kill === 2) {
      const ports = {
        control: Number(new URL(platform.controlUrl).port),
        edge: Number(new URL(platform.edgeUrl).port),
      };
      await platform.stop();
      platform = await startPlatform({ ...options, ports });
    }
  }
  const survivor = start('survivor', proxy.url);
  await until(over);
  survivor.process.kill('SIGTERM');
  expect(await survivor.ended).toBe(0);
  expect(proxy.counts.broken).toBeGreaterThan(0);

  const [peace, war] = [await mergeJobOf(client, calm.id), await mergeJobOf(client, job.id)];
  expect(war).toMatchObject({
    state: 'succeeded',
    result: { registered: 'rough@1', endpoint: { name: 'rough', revision: 1 } },
  });
  const [expected, manifest] = [await manifestOf(client, peace), await manifestOf(client, war)];
  // Of another name and hour; all that is computed is the same to the last bit.
  const computed = ({ files, ...rest }: typeof manifest) => ({
    ...rest,
    ...{ name: '', createdAt: '' },
    files: files.filter(({ path }) => !path.startsWith('report.')),
  });
  expect(computed(manifest)).toEqual(computed(expected));

  const successes: number[] = [];
  for await (const event of client.jobs.log(job.id))
    if (event.type === 'state' && event.data.state === 'succeeded') successes.push(event.sequence);
  expect(successes).toHaveLength(1);
  expect(await client.bundles.get('rough')).toMatchObject({ versions: 1 });
  expect(await client.endpoints.get('rough')).toMatchObject({ revision: 1 });

  const collected = async (dryRun: boolean): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { deleted } of client.collectGarbage({ dryRun, graceHours: 0 }))
      ids.push(...deleted.map(({ id }) => id));
    return ids;
  };
  const garbage = await collected(false);
  expect(garbage).toContain(war.checkpoint?.sha256);
  expect(await collected(true)).toEqual([]);
  for (const { sha256, sizeBytes } of manifest.files)
    expect((await (await client.blob(sha256)).arrayBuffer()).byteLength).toBe(sizeBytes);
}, 900_000);
