/** The portal in a real browser, on the real platform with a real runner: from two networks to a decided experiment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import { InferenceClient } from '../../client/inference.ts';
import { collect } from '../../client/pages.ts';
import { makeKey } from '../../examples/demo/makeKey.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { generateKey } from '../../shared/keys.ts';
import type { BundleDocument } from '../../shared/registry.ts';
import { tinyLabels } from '../gpu-runner/runner/work/tinyTask.ts';
import {
  chromiumPath,
  findBroken,
  findInaccessible,
  openBrowser,
  openPage,
  settle,
  shoot,
} from '../portal/browser.ts';
import { registerTinyMerge, startRunner, until, type Runner } from './runner-process.ts';

/** A busy machine takes its time for browsers, Workers and training alike. */
const timeoutMs = 240_000;
const units = 80;

describe.skipIf(chromiumPath === null)('the portal, from two networks to a decision', () => {
  let folder: string;
  let platform: Platform;
  let client: TrunklineClient;
  let edge: InferenceClient;
  let runner: Runner;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trunkline-portal-'));
    const adminKey = generateKey().key;
    platform = await startPlatform({ adminKey, persistTo: join(folder, 'state') });
    const url = platform.controlUrl;
    const key = await makeKey(url, adminKey, 'person', ['read', 'write', 'infer', 'outcome']);
    const runnerKey = await makeKey(url, adminKey, 'runner', ['runner']);
    client = new TrunklineClient({ url, key });
    edge = new InferenceClient({ url: platform.edgeUrl, key });
    await registerTinyMerge(client);
    runner = startRunner({ url, key: runnerKey, name: 'flow', folder: join(folder, 'runner') });
    // What the page says of networks and data comes from their inspections.
    await until(async () => (await client.datasets.inspection('right-data')) !== null);
    browser = await openBrowser();
    ({ page, complaints } = await openPage(browser, { url: `${url}/merges`, key }));
    // Less than a test may take, so that what was waited for in vain is named.
    page.setDefaultTimeout(timeoutMs / 2);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    runner.process.kill('SIGKILL');
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Nothing on the page is broken, closed to anybody, or talks to strangers. */
  const isWhole = async (shot: string): Promise<void> => {
    await settle(page);
    await shoot(page, `flow-${shot}`);
    expect(await findBroken(page)).toEqual([]);
    expect(await findInaccessible(page)).toEqual([]);
    expect(complaints).toEqual([]);
  };
  const choose = async (label: string, nth: number, option: RegExp): Promise<void> => {
    await page.getByRole('combobox', { name: label }).nth(nth).click();
    await page.getByRole('option', { name: option }).first().click();
  };

  it(
    'merges: picks what goes together, predicts the curve, moves the budget, and watches it work',
    async () => {
      await page.getByRole('link', { name: 'New merge' }).first().click();
      await choose('Network', 0, /^left-net@1/);
      await choose('Network', 1, /^right-net@1/);
      await choose('Data', 0, /^left-data@1/);
      await choose('Data', 1, /^right-data@1/);
      // The networks name no task: it is taken from their names, and these say "net".
      await page.getByLabel('Task').nth(0).fill('left');
      await page.getByLabel('Task').nth(1).fill('right');
      await page.getByText('All networks read float32').waitFor();
      await page.getByRole('button', { name: 'Predict the curve' }).click();
      const budget = page.getByRole('slider', { name: 'Budget' });
      await budget.waitFor();
      const shared = page.getByRole('row', { name: /conv1/ });
      const before = await shared.textContent();
      await budget.press('End');
      expect(await budget.getAttribute('aria-valuetext')).toMatch(/nothing shared, predicted loss 0$/);
      expect(await shared.textContent()).not.toBe(before);
      await budget.press('Home');
      for (let step = 0; step < 6; step++) await budget.press('ArrowRight');
      await isWhole('merge');
      await page.getByText('Steps, floors and wiring').click();
      await page.getByLabel('Steps after each layer').fill('4');
      await page.getByLabel('Steps at the end').fill('6');
      await page.getByLabel('Batch size').fill('8');
      await page.getByLabel('Name of the bundle').fill('pair');
      await page.getByRole('button', { name: 'Start the merge' }).click();
      await page.getByRole('link', { name: 'Open the bundle' }).waitFor();
      await page.getByRole('img', { name: /Losses while retraining/ }).waitFor();
      await isWhole('job');
      const bundle = await client.bundles.version('pair');
      const [job] = await collect(client.jobs.list({ kind: 'merge' }));
      expect(job).toMatchObject({
        state: 'succeeded',
        request: { recipe: { budget: { of: 'parameters' }, retraining: { stepsPerLayer: 4 } } },
        result: { registered: 'pair@1', bundle: (bundle.document as BundleDocument).bundle },
      });
    },
    timeoutMs,
  );

  it(
    'publishes the bundle, shows its report in a frame, and takes publishing back',
    async () => {
      await page.getByRole('link', { name: 'Open the bundle' }).click();
      await page.getByRole('heading', { name: 'pair@1' }).waitFor();
      await isWhole('bundle');
      await page.getByRole('tab', { name: 'Report' }).click();
      await page
        .frameLocator('iframe[title=Report]')
        .getByRole('heading', { name: 'pair', exact: true })
        .waitFor();
      const publish = async (): Promise<void> => {
        await page.getByRole('button', { name: 'Publish' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Endpoint').fill('shop');
        await dialog.getByRole('button', { name: 'Publish' }).click();
        await page.getByText('Endpoint shop serves pair@1').first().waitFor();
      };
      await publish();
      expect(Object.keys((await client.endpoints.get('shop')).tasks)).toEqual(['left', 'right']);
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByText('Undone').first().waitFor();
      await expect(client.endpoints.get('shop')).rejects.toMatchObject({ status: 404 });
      await publish();
    },
    timeoutMs,
  );

  it(
    'answers in the playground what the edge answers: samples and drawings',
    async () => {
      await page.getByRole('link', { name: 'Try it' }).click();
      await page.getByRole('tab', { name: 'Samples' }).click();
      await page.getByRole('button', { name: /^Sample 1: circle/ }).click();
      const answer = page.getByRole('region', { name: 'Answer of left' });
      await answer.getByText(/%/).first().waitFor();
      await page.getByText(/head left/).waitFor();
      const sent = await page.getByRole('figure', { name: 'curl' }).textContent();
      const body = JSON.parse(/--data '(.*)'/s.exec(sent ?? '')?.[1] ?? '') as {
        inputs: { name: string; shape: number[]; data: number[] }[];
      };
      const [input] = body.inputs;
      if (!input) throw new Error('there is no input');
      const data = Float32Array.from(input.data);
      const { outputs } = await edge.infer('shop', {
        [input.name]: { dtype: 'float32', dims: input.shape, data },
      });
      const logits = outputs.left?.data.map(Number) ?? [];
      const best = tinyLabels[logits.indexOf(Math.max(...logits))];
      expect(await answer.textContent()).toMatch(new RegExp(`^left(right|truth: circle)${best ?? ''} \\d`));
      await isWhole('playground');
      await page.getByRole('tab', { name: 'Draw' }).click();
      const pad = page.getByRole('img', { name: /Drawing pad/ });
      await pad.scrollIntoViewIfNeeded();
      const box = await pad.boundingBox();
      if (!box) throw new Error('there is no pad');
      await page.mouse.move(box.x + box.width / 2, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height - 40, { steps: 8 });
      const asked = page.waitForResponse('**/v2/models/shop/infer');
      await page.mouse.up();
      expect((await asked).status()).toBe(200);
      await isWhole('playground-drawn');
    },
    timeoutMs,
  );

  it(
    'shows what came to the endpoint, and who works',
    async () => {
      await until(async () => (await client.endpoints.traffic('shop')).total.requests >= 3);
      await page.getByRole('link', { name: 'Operations' }).click();
      const row = page.getByRole('row', { name: /^shop/ });
      await row.getByText(/^[1-9]\d* last hour$/).waitFor();
      await row.getByRole('link', { name: 'shop' }).click();
      const counted = page.getByRole('region', { name: 'Traffic' });
      await counted.getByRole('img', { name: 'Requests each minute' }).waitFor();
      await counted.getByText(/^[1-9]\d* samples? answered$/).waitFor();
      await isWhole('endpoint');
      await page.getByRole('link', { name: 'Operations' }).first().click();
      await page.getByRole('tab', { name: 'Runners and queue' }).click();
      await page.getByRole('row', { name: /^flow/ }).getByText('Waits for work').waitFor();
      await isWhole('queue');
    },
    timeoutMs,
  );

  it(
    'runs an experiment on its traffic, and decides it',
    async () => {
      // Another bundle: the same networks, stored as halves.
      const [first] = await collect(client.jobs.list({ kind: 'merge' }));
      if (first?.kind !== 'merge') throw new Error('there is no merge');
      const { name, sources, recipe } = first.request;
      await client.jobs.merge({ name, sources, recipe: { ...recipe, storage: 'float16' } });
      await until(async () => (await client.bundles.get('pair')).latest === 2);

      await page.getByRole('link', { name: 'Experiments' }).click();
      await page.getByRole('link', { name: 'New experiment' }).first().click();
      await page.getByLabel('Name', { exact: false }).first().fill('halves');
      await choose('Endpoint', 0, /^shop/);
      await choose('Candidate', 0, /^pair@2/);
      await page.getByText('Compared on left, right.').waitFor();
      await page.getByText('Widen it step by step').click();
      await isWhole('experiment-new');
      await page.getByRole('button', { name: 'Create and start' }).click();
      await page.getByRole('heading', { name: 'halves', exact: true }).waitFor();

      const spec = (await edge.metadata('shop')).inputs[0];
      if (!spec) throw new Error('it reads nothing');
      const dims = [1, ...spec.shape.slice(1)];
      const data = new Float32Array(dims.reduce((all, dim) => all * dim, 1)).fill(0.5);
      await until(async () => {
        const { served } = await edge.infer(
          'shop',
          { [spec.name]: { dtype: 'float32', dims, data } },
          { headers: { 'x-unit': 'first' } },
        );
        return served.experiment === 'halves';
      });
      const outcomes = [];
      for (let unit = 0; unit < units; unit++) {
        const { served } = await edge.infer(
          'shop',
          { [spec.name]: { dtype: 'float32', dims, data } },
          { headers: { 'x-unit': `unit-${unit}` } },
        );
        for (const task of ['left', 'right'])
          outcomes.push({ requestId: served.requestId ?? '', task, truth: unit % 3 });
      }
      await client.experiments.outcomes(outcomes);
      await until(async () => {
        const report = await client.experiments.report('halves');
        const counted = Object.values(report.units).reduce((sum, count) => sum + count, 0);
        return counted >= units && report.tasks.every(({ difference }) => difference !== null);
      });

      await page.getByRole('button', { name: 'Look now' }).click();
      await page.getByText('The rule looked').first().waitFor();
      await page.getByRole('img', { name: /Difference of each task/ }).waitFor();
      await isWhole('experiment');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('Paused: everybody gets').first().waitFor();
      // The message of publishing may still be there, and offers to undo too.
      const paused = page.getByRole('dialog', { name: /^Paused: everybody gets/ });
      await paused.getByRole('button', { name: 'Undo' }).click();
      // Only then the page knows the version that is decided on.
      await page.getByText('Undone').first().waitFor();
      await page.getByRole('button', { name: 'Decide' }).click();
      const dialog = page.getByRole('alertdialog');
      await dialog.getByLabel('Reason').fill('Half the bytes, the same answers');
      await dialog.getByRole('button', { name: 'Decide' }).click();
      await page
        .getByText(/Decided for pair by a person: Half the bytes/)
        .first()
        .waitFor();
      await isWhole('experiment-decided');
      const { tasks } = await client.endpoints.get('shop');
      const candidate = (await client.bundles.version('pair', 2)).document as BundleDocument;
      expect(new Set(Object.values(tasks))).toEqual(new Set([candidate.bundle]));
    },
    timeoutMs,
  );
});
