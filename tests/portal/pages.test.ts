import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chromiumPath,
  findBroken,
  findInaccessible,
  inspect,
  openBrowser,
  openPage,
  settle,
  shoot,
} from './browser.ts';
import { startMock, type Handlers, type MockPlatform } from './mockPlatform.ts';
import { operationsHandlers } from './operationsFixtures.ts';
import { registryHandlers } from './registryFixtures.ts';

export const testKey = `tl_0123456789abcdef_${'0'.repeat(64)}`;

const empty: Handlers = {
  ...Object.fromEntries(
    ['models', 'datasets', 'bundles'].map((kind) => [`GET /v1/${kind}`, () => ({ items: [], next: null })]),
  ),
  'GET /v1/endpoints': () => ({ endpoints: [], next: null }),
  'GET /v1/jobs': () => ({ jobs: [], next: null }),
};

/** By name: the address, and what must be on it. */
const pages: Readonly<Record<string, readonly [path: string, text: RegExp]>> = {
  overview: ['/', /What is served/],
  models: ['/models', /fashion/],
  model: ['/models/digit', /can be shared/],
  'model-branches': ['/models/resnet', /Add/],
  'model-about': ['/models/digit?tab=about', /float32/],
  'model-card': ['/models/digit?tab=card', /for 28 by 28 pixels/],
  'model-versions': ['/models/digit?tab=versions', /champion/],
  'model-lineage': ['/models/digit?tab=lineage', /both@1/],
  'model-waiting': ['/models/waiting', /A runner has not read this version yet/],
  'model-missing': ['/models/missing', /There is no model "missing"/],
  datasets: ['/datasets', /digit-data/],
  dataset: ['/datasets/digit-data', /What they look like/],
  operations: ['/operations', /Not told to the edge yet/],
  endpoint: ['/operations/endpoints/both', /Go back to it/],
  'endpoint-week': ['/operations/endpoints/both?range=week', /samples answered/],
  queue: ['/operations?tab=queue', /Waits for work/],
  keys: ['/operations?tab=keys', /old laptop/],
  audit: ['/operations?tab=audit', /endpoint.set/],
  nowhere: ['/nowhere', /There is no page at this address/],
};

describe.skipIf(chromiumPath === null)('pages in a browser', () => {
  let browser: Browser;
  let platform: MockPlatform;
  let bare: MockPlatform;
  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build-portal.ts')]);
    browser = await openBrowser();
    platform = await startMock({ ...operationsHandlers, ...registryHandlers });
    bare = await startMock(empty);
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([platform.stop(), bare.stop()]);
  });

  const look = async (url: string, text: RegExp, name: string): Promise<void> => {
    const { page, complaints } = await openPage(browser, { url, key: testKey });
    try {
      await settle(page);
      await page.getByText(text).first().waitFor();
      expect(await inspect(page, name)).toEqual([]);
      expect(complaints).toEqual([]);
    } finally {
      await page.context().close();
    }
  };

  for (const [name, [path, text]] of Object.entries(pages))
    it(`${name} is whole and accessible at every width, light and dark`, () =>
      look(platform.url + path, text, name));

  it('an empty platform shows the three steps and offers the samples', () =>
    look(bare.url, /Take the sample networks/, 'empty'));

  it('data without labels are uploaded with the number of their classes', async () => {
    const { page, complaints } = await openPage(browser, { url: `${platform.url}/datasets`, key: testKey });
    await settle(page);
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'letters.npz', mimeType: 'application/zip', buffer: Buffer.from('PK') });
    const dialog = page.getByRole('dialog', { name: 'Upload a data set' });
    await dialog.getByText('A NumPy archive with samples "x" and class numbers "y"').waitFor();
    const classes = dialog.getByLabel(/^Classes/);
    const upload = dialog.getByRole('button', { name: 'Upload', exact: true });
    await classes.fill('26');
    await dialog.getByText('Classes (1 name)').waitFor();
    await dialog.getByLabel('The samples have no labels').check();
    await dialog.getByText('Classes (26 names)').waitFor();
    await dialog.getByText(/^A NumPy archive with samples "x": letters\.npz/).waitFor();
    expect(await upload.isEnabled()).toBe(true);
    expect([...(await inspect(page, 'upload-unlabelled')), ...complaints]).toEqual([]);
    await page.context().close();
  });

  it('on a phone the navigation is behind a button, and the keyboard goes there and back', async () => {
    const { page, complaints } = await openPage(browser, {
      url: `${platform.url}/models`,
      key: testKey,
      width: 390,
    });
    await settle(page);
    const button = page.getByRole('button', { name: 'Menu', exact: true });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await shoot(page, 'menu-390-light');
    expect(await findInaccessible(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForTimeout(100);
    expect(await page.evaluate("document.activeElement?.getAttribute('aria-label')")).toBe('Menu');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('link', { name: 'Data sets' }).click();
    await page.getByRole('heading', { name: 'Data sets' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('whoever is not signed in is asked for a key, which is kept for this tab only', async () => {
    const { page, complaints } = await openPage(browser, { url: `${platform.url}/models`, width: 390 });
    // The mock lets everybody in, as Access would: a platform that asks for keys is played here.
    await page.route('**/v1/**', async (route) => {
      if (route.request().headers().authorization === `Bearer ${testKey}`) await route.continue();
      else
        await route.fulfill({
          status: 401,
          json: {
            error: { code: 'unauthenticated', message: 'Cannot tell who is asking: no key was sent.' },
          },
        });
    });
    await page.evaluate('sessionStorage.clear()');
    await page.reload();
    const field = page.getByLabel('API key');
    await field.waitFor();
    await shoot(page, 'signin-390-light');
    expect(await findBroken(page)).toEqual([]);
    expect(await findInaccessible(page)).toEqual([]);
    await field.fill('not a key');
    await page.keyboard.press('Enter');
    await page.getByText('That is no key').waitFor();
    await field.fill(testKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Models' }).waitFor();
    expect(
      await page.evaluate('[sessionStorage.length, JSON.stringify(localStorage), location.href]'),
    ).toEqual([1, expect.not.stringContaining('tl_') as string, `${platform.url}/models`]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
