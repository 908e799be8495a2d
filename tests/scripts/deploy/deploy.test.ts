import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { deploy, dryRun } from '../../../scripts/deploy/deploy.ts';
import { root, wrangler } from '../../../scripts/deploy/wrangler.ts';
import { hashKey, keyId } from '../../../shared/keys.ts';
import { trustedKeys } from '../../../shared/signature.ts';
import { FakeCloudflare } from './fakeCloudflare.ts';

const files = ['wrangler.deploy.json', 'workers/edge/wrangler.deploy.json'] as const;
let account: FakeCloudflare;
let logged: string[];
const log = (line: string): void => void logged.push(line);

beforeEach(() => {
  account = new FakeCloudflare();
  logged = [];
});
afterAll(async () => {
  for (const file of files) await rm(join(root, file), { force: true });
});

const generated = async (file: string) =>
  JSON.parse(await readFile(join(root, file), 'utf8')) as Record<string, never>;

test('deploy() creates what is missing, migrates, deploys both Workers and sets the secrets', async () => {
  const { created, urls, operatorKey } = await deploy(account.run, { log });
  expect([...account.databases.keys()]).toEqual(['trunkline']);
  expect([...account.namespaces.keys()]).toEqual(['trunkline-routing']);
  expect(account.buckets).toContain('trunkline-bundles');
  expect(account.queues).toEqual(new Set(['trunkline-exposures', 'trunkline-exposures-dead']));
  expect(created).toHaveLength(account.buckets.size + account.queues.size + 2);
  expect(urls).toEqual({
    control: 'https://trunkline-control.me.workers.dev',
    edge: 'https://trunkline-edge.me.workers.dev',
  });
  const secrets = account.secrets.get('wrangler.deploy.json');
  expect(keyId(operatorKey ?? '')).not.toBeNull();
  expect(secrets?.get('BOOTSTRAP_KEY_HASH')).toBe(await hashKey(operatorKey ?? ''));
  // Nothing was deployed before: manifests are signed from the beginning.
  expect(secrets?.get('SIGNING_KEY')).toBeTruthy();
  const trusted = account.secrets.get('workers/edge/wrangler.deploy.json')?.get('SIGNING_PUBLIC_KEYS');
  expect(trustedKeys.safeParse(JSON.parse(trusted ?? '')).success).toBe(true);
});

test("deploy() gives both Workers the account's ids, in generated files beside the committed ones", async () => {
  await deploy(account.run, { log });
  const [control, edge] = [await generated(files[0]), await generated(files[1])];
  expect(control).toMatchObject({
    name: 'trunkline-control',
    main: 'workers/control/index.ts',
    d1_databases: [{ binding: 'DB', database_id: account.databases.get('trunkline') }],
  });
  const namespaces = [{ binding: 'ROUTING', id: account.namespaces.get('trunkline-routing') }];
  expect([control.kv_namespaces, edge.kv_namespaces]).toEqual([namespaces, namespaces]);
  const committed = await readFile(join(root, 'wrangler.toml'), 'utf8');
  expect(committed).toContain('database_id = "00000000-0000-0000-0000-000000000000"');
});

test('deploy() again creates nothing and leaves the secrets as they are', async () => {
  await deploy(account.run, { log });
  const before = structuredClone(account.secrets);
  const { created, operatorKey } = await deploy(account.run, { log });
  expect([created, operatorKey]).toEqual([[], null]);
  expect(account.secrets).toEqual(before);
  expect(account.deployments).toBe(4);
});

test('deploy() goes on after a failure at any step, and ends the same', async () => {
  const complete = new FakeCloudflare();
  await deploy(complete.run, { log });
  const steps = [...new Set(complete.asked.map((line) => line.split(' ').slice(0, 3).join(' ')))];
  for (const step of steps) {
    const one = new FakeCloudflare();
    one.failing.add(step);
    // A lookup that fails looks like something missing, which is then found to be there or made.
    const first = await deploy(one.run, { log }).catch((error: unknown) => error);
    if (first instanceof Error)
      expect(first.message).toMatch(/^Cannot deploy: wrangler .* failed:\nfetch failed$/);
    await deploy(one.run, { log });
    expect([one.databases.size, one.namespaces.size, one.buckets, one.queues]).toEqual([
      complete.databases.size,
      complete.namespaces.size,
      complete.buckets,
      complete.queues,
    ]);
    expect(one.secrets.get(files[0])?.has('BOOTSTRAP_KEY_HASH')).toBe(true);
  }
});

test('deploy() signs an older deployment only when it is told to', async () => {
  account.databases.set('trunkline', 'there');
  await deploy(account.run, { log });
  expect(account.secrets.get(files[0])?.has('SIGNING_KEY')).toBe(false);
  await deploy(account.run, { log, sign: true });
  expect(account.secrets.get(files[0])?.has('SIGNING_KEY')).toBe(true);
});

test('deploy() puts no secret into arguments or the log', async () => {
  const { operatorKey } = await deploy(account.run, { log });
  const secrets = [operatorKey ?? '', ...[...account.secrets.values()].flatMap((all) => [...all.values()])];
  for (const secret of secrets) expect([...account.asked, ...logged].join('\n')).not.toContain(secret);
});

test('dryRun() builds both Workers with the real wrangler, offline, and leaves no file behind', async () => {
  const { resources, sizes, migrations } = await dryRun(wrangler, () => Promise.resolve(3));
  expect(resources.databases).toEqual(['trunkline']);
  expect(migrations).toBe(3);
  for (const worker of ['control', 'edge']) expect(sizes[worker]).toMatch(/KiB|MiB/);
  for (const file of ['wrangler.dry-run.json', 'workers/edge/wrangler.dry-run.json'])
    await expect(readFile(join(root, file))).rejects.toThrow('ENOENT');
});
