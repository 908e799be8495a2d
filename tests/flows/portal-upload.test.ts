/** The portal in a browser, on the real platform with a real runner: sign in, upload, cut, resume, look, operate. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { writeModelFile } from '../../gpu-runner/onnx/files.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { generateKey } from '../../shared/keys.ts';
import { lenet } from '../gpu-runner/mtz/nets/lenet.ts';
import {
  chromiumPath,
  describePage,
  dropFiles,
  inspect,
  openBrowser,
  openPage,
  settle,
  type Watched,
} from '../portal/browser.ts';
import { startRunner, type Runner } from './runner-process.ts';

/** What storage takes as a part at least; the network has three. */
const partBytes = 5 * 1024 ** 2;
const partUrl = /\/v1\/uploads\/\w+\/parts\/(\d+)$/;

describe.skipIf(chromiumPath === null)('the portal on the real platform', () => {
  let folder: string;
  let platform: Platform;
  let client: TrunklineClient;
  let key: string;
  let runner: Runner;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  /** While it is, the second part of an upload never arrives: the connection hangs. */
  let cut = false;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trunkline-portal-'));
    const adminKey = generateKey().key;
    platform = await startPlatform({
      adminKey,
      persistTo: join(folder, 'state'),
      vars: { UPLOAD_PART_BYTES: String(partBytes) },
    });
    key = await makeKey(platform.controlUrl, adminKey, 'person', ['read', 'write', 'infer', 'admin']);
    const runnerKey = await makeKey(platform.controlUrl, adminKey, 'runner', ['runner']);
    client = new TrunklineClient({ url: platform.controlUrl, key });
    runner = startRunner({
      url: platform.controlUrl,
      key: runnerKey,
      name: 'one',
      folder: join(folder, 'runner'),
    });
    writeModelFile(
      join(folder, 'net.onnx'),
      lenet({ seed: 1, channels: [4, 6], hidden: 60_000, classes: 3 }),
    );
    writeModelFile(
      join(folder, 'dropped.onnx'),
      lenet({ seed: 2, channels: [4, 6], hidden: 60_000, classes: 3 }),
    );
    await writeDigits(folder);
    browser = await openBrowser();
    watched = await openPage(browser, { url: `${platform.controlUrl}/models` });
    page = watched.page;
    page.setDefaultTimeout(90_000);
    page.on('dialog', (dialog) => void dialog.accept());
    // For the whole life of the page: to stop listening to requests while it loads may lose one of them for good.
    await page.route(partUrl, async (route) => {
      if (!cut || partUrl.exec(route.request().url())?.[1] !== '2') await route.continue();
    });
  }, 240_000);
  afterAll(async () => {
    await browser.close();
    runner.process.kill('SIGKILL');
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(await describePage(watched));
  });

  it('is served with its policy, and the API stays the API', async () => {
    const html = await fetch(`${platform.controlUrl}/models/anything`, {
      headers: { 'sec-fetch-mode': 'navigate' },
    });
    expect(html.headers.get('content-type')).toContain('text/html');
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await html.text()).toContain('<div id="app">');
    const api = await fetch(`${platform.controlUrl}/v1/models`);
    expect([api.status, api.headers.get('content-type')]).toEqual([401, 'application/json']);
    const ready = await fetch(`${platform.controlUrl}/v2/health/ready`);
    expect(await ready.json()).toEqual({ ready: true });
  });

  it('lets in who has a key', async () => {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No models yet').waitFor();
  });

  it('an upload that was cut by a reload goes on with the parts that are missing, from the same file only', async () => {
    cut = true;
    await page.locator('input[type=file]').first().setInputFiles(join(folder, 'net.onnx'));
    await page.getByLabel('Name', { exact: true }).fill('big');
    await page.getByLabel('Task (optional)').fill('digit');
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    // Parts one and three are there, and the bar says no more than that.
    await page.getByText(/8\.\d+.MB of 13\.\d.MB sent/).waitFor({ timeout: 150_000 });

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Sending', { exact: true }).waitFor();

    await page.reload();
    cut = false;
    const again: string[] = [];
    page.on('request', (request) => {
      const part = partUrl.exec(request.url())?.[1];
      if (part !== undefined) again.push(part);
    });
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The browser forgot where the file is').waitFor();
    await writeFile(join(folder, 'other.onnx'), 'not it');
    const chooser = page.getByLabel('The files of big again');
    await chooser.setInputFiles(join(folder, 'other.onnx'));
    await page.getByText('it is another file').waitFor();
    await chooser.setInputFiles(join(folder, 'net.onnx'));
    await page.getByRole('link', { name: 'big@1' }).waitFor({ timeout: 150_000 });
    expect(again).toEqual(['2']);
    const { document } = await client.models.version('big');
    expect(document).toMatchObject({ task: 'digit', files: [{ path: 'net.onnx' }] });
  });

  it('a dropped file needs not be chosen again after a reload, and is refused once it has changed', async () => {
    cut = true;
    const path = join(folder, 'dropped.onnx');
    const content = await readFile(path);
    await dropFiles(page, page.getByRole('button', { name: 'Choose files' }), [path]);
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await page.getByText(/8\.\d+.MB of 13\.\d.MB sent/).waitFor({ timeout: 150_000 });
    await page.reload();
    cut = false;
    const again: string[] = [];
    page.on('request', (request) => {
      const part = partUrl.exec(request.url())?.[1];
      if (part !== undefined) again.push(part);
    });
    await writeFile(path, content.toReversed());
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('"dropped.onnx" has changed since its upload began.').waitFor();
    expect(again).toEqual([]);
    await writeFile(path, content);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: 'dropped@1' }).waitFor({ timeout: 150_000 });
    expect(again).toEqual(['2']);
  });

  it('shows the network as the runner read it', async () => {
    await page.getByRole('link', { name: 'big', exact: true }).click();
    await page.getByText('4 can be shared').waitFor({ timeout: 120_000 });
    expect(await page.getByRole('rowheader').count()).toBe(10);
    await page.getByText('60,010 of 60,013 channels').waitFor();
    expect(await inspect(page, 'real-model')).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('an alias is set, and taken back with Undo', async () => {
    await page.getByRole('tab', { name: /Versions/ }).click();
    await page.getByLabel(/New alias/).fill('champion');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone').waitFor();
    expect((await client.models.get('big')).aliases).toEqual({});
  });

  it('a card is written beside its preview, and no script in it runs', async () => {
    await page.getByRole('tab', { name: 'Card' }).click();
    await page.getByRole('button', { name: 'Write one' }).click();
    await page
      .getByLabel('Markdown')
      .fill('# About\n\n<img src=x onerror="window.ran=1"> **bold** [bad](javascript:alert(1))');
    await page.getByRole('heading', { name: 'About' }).waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The card is saved').waitFor();
    expect(
      await page.evaluate('[window.ran, document.querySelectorAll("main a[href^=javascript]").length]'),
    ).toEqual([undefined, 0]);
    expect((await client.models.get('big')).card).toContain('**bold**');
  });

  it('a data set of IDX files shows its samples', async () => {
    await page.getByRole('link', { name: 'Data sets' }).first().click();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(['t-images-idx3-ubyte', 't-labels-idx1-ubyte'].map((name) => join(folder, name)));
    await page.getByLabel('Name', { exact: true }).fill('tiny');
    await page.getByLabel(/^Classes/).fill('dark, light');
    await page.getByLabel('Width, pixels').fill('8');
    await page.getByLabel('Height, pixels').fill('8');
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await page.getByRole('link', { name: 'tiny@1' }).click({ timeout: 150_000 });
    await page.getByRole('img', { name: '4 samples of dark' }).waitFor({ timeout: 120_000 });
    await page.getByText('40').first().waitFor();
    expect(await inspect(page, 'real-dataset')).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('a key is made, shown once and revoked, and the audit log tells of it', async () => {
    await page.getByRole('link', { name: 'Operations' }).first().click();
    await page.getByRole('tab', { name: 'Keys' }).click();
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name', { exact: true }).fill('for a test');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const made = await page.getByText(/^tl_[0-9a-f]{16}_[0-9a-f]{64}$/).textContent();
    expect(made).not.toBeNull();
    await page.getByRole('button', { name: 'I kept it' }).click();
    expect(await page.content()).not.toContain(made);
    await page.getByRole('button', { name: 'Revoke for a test' }).click();
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByText('for a test is revoked').waitFor();
    const refused = await fetch(`${platform.controlUrl}/v1/models`, {
      headers: { authorization: `Bearer ${made ?? ''}` },
    });
    expect(refused.status).toBe(401);
    await page.getByRole('tab', { name: 'Audit log' }).click();
    await page.getByText('key.revoke').first().waitFor();
    await page.getByRole('tab', { name: 'Runners and queue' }).click();
    await page.getByRole('rowheader', { name: 'one', exact: true }).waitFor();
  });

  it('signing out forgets the key, and nothing went wrong on the way', async () => {
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByLabel('API key').waitFor();
    await settle(page);
    expect(await page.evaluate('JSON.stringify([sessionStorage, localStorage])')).not.toContain('tl_');
    expect(page.url()).not.toContain('tl_');
    expect(watched.complaints).toEqual([]);
  });
});

/** IDX files of 40 images of 8 by 8: half of them dark. Format: LeCun, the MNIST page. */
async function writeDigits(folder: string): Promise<void> {
  const header = (dims: readonly number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(4 + 4 * dims.length));
    view.setUint32(0, 0x0800 + dims.length);
    for (const [at, dim] of dims.entries()) view.setUint32(4 + 4 * at, dim);
    return new Uint8Array(view.buffer);
  };
  const labels = Uint8Array.from({ length: 40 }, (_, at) => at % 2);
  const pixels = Uint8Array.from(
    { length: 40 * 64 },
    (_, at) => (labels[Math.floor(at / 64)] ?? 0) * 200 + (at % 50),
  );
  await writeFile(join(folder, 't-images-idx3-ubyte'), Buffer.concat([header([40, 8, 8]), pixels]));
  await writeFile(join(folder, 't-labels-idx1-ubyte'), Buffer.concat([header([40]), labels]));
}
