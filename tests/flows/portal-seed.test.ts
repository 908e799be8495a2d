/**
 * `npm run seed` on a platform that runs already, and what a person does in the portal with what it brought: takes a
 * bundle away, goes back to an earlier revision of an endpoint.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackTar } from 'modern-tar';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import { InferenceClient } from '../../client/inference.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { generateKey } from '../../shared/keys.ts';
import { manifest as manifestSchema } from '../../shared/manifest.ts';
import { chromiumPath, openBrowser, openPage, settle } from '../portal/browser.ts';
import { until } from './runner-process.ts';

const root = join(import.meta.dirname, '../..');
const endpoint = 'separate';

let folder: string;
let platform: Platform;
let key: string;
let client: TrunklineClient;
let edge: InferenceClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-seed-test-'));
  const adminKey = generateKey().key;
  platform = await startPlatform({ adminKey, persistTo: join(folder, 'state') });
  key = await makeKey(platform.controlUrl, adminKey, 'person', ['read', 'write', 'infer']);
  client = new TrunklineClient({ url: platform.controlUrl, key });
  edge = new InferenceClient({ url: platform.edgeUrl, key });
}, 240_000);
afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What `npm run seed` runs. */
async function seed(withKey: string | undefined): Promise<{ code: number; told: string }> {
  const child = spawn(
    process.execPath,
    ['scripts/run.mjs', 'scripts/seed.ts', '--url', platform.controlUrl],
    {
      cwd: root,
      env: { ...process.env, TRUNKLINE_KEY: withKey },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (told += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, told };
}

/** Of what the seed brings. */
const state = async () => ({
  digit: await client.models.get('digit'),
  fashion: await client.models.get('fashion'),
  data: await Promise.all(['digit-data', 'fashion-data'].map((name) => client.datasets.version(name))),
  bundles: await Promise.all(['digit', 'fashion'].map((name) => client.bundles.version(name))),
  endpoint: await client.endpoints.get(endpoint),
});

describe('npm run seed', () => {
  it('says what is missing without a key, and what the service says to a wrong one', async () => {
    expect(await seed(undefined)).toEqual({
      code: 1,
      told: 'Cannot put the examples in: TRUNKLINE_KEY is not set\n',
    });
    const { code, told } = await seed(generateKey().key);
    expect([code, told]).toEqual([
      1,
      expect.stringMatching(/Cannot put the examples in: trunkline push model .*key/s),
    ]);
  });

  it('brings two networks, their data, and an endpoint that answers both tasks', async () => {
    const first = await seed(key);
    expect(first, first.told).toMatchObject({ code: 0 });
    expect(first.told).toContain(`The examples are at ${platform.controlUrl}`);
    const before = await state();
    expect(before.digit).toMatchObject({ latest: 1, aliases: { champion: 1 } });
    expect(before.fashion).toMatchObject({ latest: 1, aliases: { champion: 1 } });
    expect(before.data.map(({ version }) => version)).toEqual([1, 1]);
    expect(Object.keys(before.endpoint.tasks)).toEqual(['digit', 'fashion']);

    const spec = (await edge.metadata(endpoint)).inputs[0];
    const { outputs } = await edge.infer(endpoint, {
      [spec?.name ?? '']: { dtype: 'float32', dims: [1, 1, 28, 28], data: new Float32Array(784) },
    });
    expect([outputs.digit?.shape, outputs.fashion?.shape]).toEqual([
      [1, 10],
      [1, 10],
    ]);
  }, 240_000);
});

describe.skipIf(chromiumPath === null)('the portal, with what the seed brought', () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    browser = await openBrowser();
    ({ page, complaints } = await openPage(browser, { url: `${platform.controlUrl}/bundles/fashion`, key }));
    page.setDefaultTimeout(90_000);
    await settle(page);
  });
  afterAll(() => browser.close());

  it('gives a bundle away as one .tar: its manifest, byte for byte, and every file by its digest', async () => {
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toBe('fashion-1.tar');
    const entries = await unpackTar(await readFile(await download.path()));
    const content = new Map(entries.map(({ header, data }) => [header.name, data ?? new Uint8Array()]));
    const digest = (path: string): string =>
      createHash('sha256')
        .update(content.get(`fashion-1/${path}`) ?? '')
        .digest('hex');
    const { tasks } = await client.endpoints.get(endpoint);
    expect(digest('manifest.json')).toBe(tasks.fashion);
    const text = new TextDecoder().decode(content.get('fashion-1/manifest.json'));
    const { files } = manifestSchema.parse(JSON.parse(text));
    expect(files.length).toBeGreaterThan(0);
    for (const { path, sha256 } of files) expect([path, digest(path)]).toEqual([path, sha256]);
    expect(content.size).toBe(files.length + 1);
  });

  it('rolls an endpoint back to what it served before, and takes that back', async () => {
    const served = async (): Promise<string[]> =>
      (await edge.metadata(endpoint)).outputs.map(({ name }) => name).toSorted();
    expect(await served()).toEqual(['digit', 'fashion']);
    const row = page.getByRole('row', { name: endpoint });
    await row.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Roll back' }).click();
    await page
      .getByText(/Endpoint separate serves what revision \d+ served/)
      .first()
      .waitFor();
    await page.getByText('No endpoint serves this version').waitFor();
    expect(Object.keys((await client.endpoints.get(endpoint)).tasks)).toEqual(['digit']);
    await until(async () => (await served()).join() === 'digit');
    await page.getByRole('button', { name: 'Undo' }).click();
    await row.waitFor();
    await until(async () => (await served()).join() === 'digit,fashion');
    expect(complaints).toEqual([]);
  });
});

it('npm run seed once more leaves every version, and what is served, as it was', async () => {
  const before = await state();
  expect(await seed(key)).toMatchObject({ code: 0 });
  const after = await state();
  expect([after.digit.latest, after.fashion.latest]).toEqual([1, 1]);
  for (const kind of ['data', 'bundles'] as const)
    expect(after[kind].map(({ version, digest }) => [version, digest])).toEqual(
      before[kind].map(({ digest }) => [1, digest]),
    );
  expect(after.endpoint.tasks).toEqual(before.endpoint.tasks);
}, 240_000);
