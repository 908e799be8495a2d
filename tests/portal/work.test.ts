import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, inspect, openBrowser, openPage, settle } from './browser.ts';
import { startMock, type MockPlatform } from './mockPlatform.ts';
import { doneId, failedId, planId, runningId, workHandlers } from './workFixtures.ts';

const testKey = `tl_0123456789abcdef_${'0'.repeat(64)}`;

/** By name: the address, what must be on it, and what is done before it is looked at. */
const pages: Readonly<
  Record<string, readonly [path: string, text: RegExp, act?: (page: Page) => Promise<void>]>
> = {
  merges: ['/merges', /both/],
  jobs: ['/jobs', /Plan for digit and fashion/],
  'merge-empty': ['/merges/new', /Choose a network/],
  merge: ['/merges/new', /All networks read float32/, pickBoth],
  'merge-plan': ['/merges/new', /Predicted loss against size|predicted loss/, planBoth],
  'merge-heap': ['/merges/new', /Heap at the edge, about/, planHeap],
  'merge-bytes': ['/merges/new', /Sharing all that can be shared leaves 1\.65 MiB/, planBytes],
  'merge-unlabelled': ['/merges/new', /How many answers|how many answers stay/, pickUnlabelled],
  'merge-refused': ['/merges/new', /holds no samples out to measure accuracy on/, beRefused],
  'merge-misfit': ['/merges/new', /networks of one merge read the same input/, pickMisfit],
  'job-running': [`/jobs/${runningId}`, /Accuracy after each layer/],
  'job-done': [`/jobs/${doneId}`, /digit at least 98.00.%; others lose 2.00 points at most/],
  'job-plan': [`/jobs/${planId}`, /nothing was merged for it/],
  'job-failed': [`/jobs/${failedId}`, /Cannot zip conv2: digit has 50/],
  bundles: ['/bundles', /separate-digit/],
  bundle: ['/bundles/both/2', /What "fashion" takes for what/],
  'bundle-network': ['/bundles/both/2?tab=network', /Widths are true to the channels/],
  'bundle-retraining': ['/bundles/both/2?tab=retraining', /What did not go as planned/],
  'bundle-origin': ['/bundles/both/2?tab=origin', /AMD EPYC/],
  'bundle-unlabelled': ['/bundles/both/1', /Answers that stayed/],
  'bundle-left-out': ['/bundles/both/1?tab=origin', /seven\/0042\.png/],
  'dataset-unlabelled': ['/datasets/bare-data', /How many of those answers stay/],
  'bundle-missing': ['/bundles/missing', /There is no bundle "missing"/],
  playground: ['/playground', /Draw something/],
  'playground-elsewhere': ['/playground?endpoint=gone', /Draw something/, isNamed],
  'playground-sample': ['/playground?input=samples', /The same from elsewhere/, pickSample],
  experiments: ['/experiments', /damaged/],
  'experiment-new': ['/experiments/new?endpoint=shop&bundle=both', /serves this bundle already/],
  experiment: ['/experiments/merged-or-separate', /always-valid interval/],
};

async function choose(page: Page, label: RegExp, nth: number, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label }).nth(nth).click();
  await page
    .getByRole('option', { name: new RegExp(`^${option}`) })
    .first()
    .click();
}
async function pickBoth(page: Page): Promise<void> {
  await choose(page, /^Network/, 0, 'digit@3');
  await choose(page, /^Network/, 1, 'fashion@3');
}
async function planBoth(page: Page): Promise<void> {
  await pickBoth(page);
  await page.getByRole('button', { name: 'Predict the curve' }).click();
  const slider = page.getByRole('slider', { name: 'Budget' });
  await slider.waitFor();
  await slider.focus();
  for (let step = 0; step < 8; step++) await page.keyboard.press('ArrowRight');
}
async function planHeap(page: Page): Promise<void> {
  await planBoth(page);
  await choose(page, /^A limit of/, 0, 'Heap at the edge');
  await page.getByRole('slider', { name: 'Budget' }).press('ArrowRight');
  const told = await page.getByRole('slider', { name: 'Budget' }).getAttribute('aria-valuetext');
  expect(told).toMatch(/^\d\d\.\d.MB, \d\d\.\d.% of separate, predicted loss/);
}
async function planBytes(page: Page): Promise<void> {
  await planBoth(page);
  await choose(page, /^A limit of/, 0, 'Bytes of weights');
  const field = page.getByLabel('At most, MiB');
  const slider = page.getByRole('slider', { name: 'Budget' });
  // 75 % of the parameters, 4 bytes each.
  await field.fill('2.4667');
  expect(await slider.inputValue()).toBe('20');
  await slider.press('ArrowRight');
  expect(Number(await field.inputValue())).toBeCloseTo((862_160 * 0.7625 * 4) / 2 ** 20, 1);
  await field.fill('1.5');
  expect(await field.getAttribute('aria-invalid')).toBe('true');
}
async function pickUnlabelled(page: Page): Promise<void> {
  await pickBoth(page);
  await choose(page, /^Data/, 1, 'bare-data@3');
  await page.getByText('Steps, floors and wiring').click();
  expect(await page.getByLabel('Least accuracy of digit, %').isEnabled()).toBe(true);
  expect(await page.getByLabel('Least accuracy of fashion, %').isEnabled()).toBe(false);
}
async function beRefused(page: Page): Promise<void> {
  await pickBoth(page);
  await page.getByText('Steps, floors and wiring').click();
  const field = page.getByLabel('Points a task may lose');
  await field.fill('1');
  await page.getByRole('button', { name: 'Start the merge' }).click();
  await page.getByRole('alert').getByText('unprocessable', { exact: true }).waitFor();
  const described = (await field.getAttribute('aria-describedby'))?.split(' ') ?? [];
  const told = await page.locator(`[id="${described.at(-1) ?? ''}"]`).textContent();
  expect(told).toMatch(/^Cannot merge into "digit-fashion": recipe\.floors: data set/);
}
async function pickMisfit(page: Page): Promise<void> {
  await choose(page, /^Network/, 0, 'digit@3');
  await choose(page, /^Network/, 1, 'colour@3');
}
async function isNamed(page: Page): Promise<void> {
  // It is not among those that are listed.
  expect(await page.getByLabel('Endpoint').inputValue()).toBe('gone');
}
async function pickSample(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Sample 3:/ }).click();
}

describe.skipIf(chromiumPath === null)('pages of merging, serving and comparing', () => {
  let browser: Browser;
  let platform: MockPlatform;
  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build-portal.ts')]);
    browser = await openBrowser();
    platform = await startMock(workHandlers);
  });
  afterAll(async () => {
    await browser.close();
    await platform.stop();
  });

  for (const [name, [path, text, act]] of Object.entries(pages))
    it(`${name} is whole and accessible at every width, light and dark`, async () => {
      const { page, complaints } = await openPage(browser, { url: platform.url + path, key: testKey });
      await settle(page);
      await act?.(page);
      await page.getByText(text).first().waitFor();
      await settle(page);
      expect([...(await inspect(page, name)), ...complaints]).toEqual([]);
      await page.context().close();
    });
});
