import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';

/** Null where there is no browser: tests that need one say so and are skipped. */
export { chromiumPath, openBrowser } from '../../scripts/chromium.ts';

/** A phone, a small window, a desk. */
export const widths = [390, 1024, 1440] as const;
export const themes = ['light', 'dark'] as const;

export interface PageOptions {
  readonly url: string;
  /** Signed in with that key, in this tab. */
  readonly key?: string;
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
}

/** What happened in a page that should not have. */
export interface Watched {
  readonly page: Page;
  /** Uncaught errors, errors in the console, requests to other origins. */
  readonly complaints: string[];
}

export async function openPage(browser: Browser, options: PageOptions): Promise<Watched> {
  const { url, key, width = 1440, theme = 'light' } = options;
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 900 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
  });
  if (key !== undefined)
    // Frames without an origin have no storage.
    await context.addInitScript(
      `if (window === top) sessionStorage.setItem('trunkline.key', ${JSON.stringify(key)})`,
    );
  const page = await context.newPage();
  const complaints: string[] = [];
  const origin = new URL(url).origin;
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // Refusals of the API are the page's to explain; the browser logs them as well.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin)
      complaints.push(`request to another origin: ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** What a person would see and hear of a page, for who reads why a test failed. */
export async function describePage({ page, complaints }: Watched): Promise<string> {
  const text = await page
    .locator('body')
    .innerText()
    .catch((error: unknown) => String(error));
  return [page.url(), text, ...complaints].join('\n');
}

/** Drops files on something as a person does from a folder: the page gets their handles with them. */
export async function dropFiles(page: Page, on: Locator, files: readonly string[]): Promise<void> {
  const box = await on.boundingBox();
  if (!box) throw new Error('There is nothing to drop files on');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  const debug = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await debug.send('Input.dispatchDragEvent', { type, x, y, data });
  await debug.detach();
}

/** Milliseconds a page may take to load. */
const settleMs = 15_000;

/** Waits until there is a page and nothing in it is loading. */
export async function settle(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  const loading = page.locator('main [role=status][aria-label^=Load]');
  const end = Date.now() + settleMs;
  // Not `waitForFunction`: that evaluates text in the page, which its policy forbids.
  while ((await loading.count()) > 0) {
    if (Date.now() > end) throw new Error(`Still loading: ${page.url()}`);
    await page.waitForTimeout(50);
  }
}

/**
 * Looks at a page that is open at every width, light and dark, and lets the accessibility checker see the phone's dark and
 * the desk's light one.
 *
 * @returns what is wrong, each with where
 */
export async function inspect(page: Page, name: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    for (const width of widths) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      const at = `${name} ${width} ${theme}`;
      wrong.push(...(await findBroken(page)).map((what) => `${at}: ${what}`));
      if ((width === 390 && theme === 'dark') || (width === 1440 && theme === 'light'))
        wrong.push(...(await findInaccessible(page)).map((what) => `${at}: ${what}`));
      await shoot(page, at.replaceAll(' ', '-'));
    }
  }
  return wrong;
}

/** Why a page is blank or broken: no heading, an error boundary, content wider than the window. Empty: it is whole. */
export async function findBroken(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const found = [];
    const main = document.querySelector('main');
    if (!main) return ['there is no main'];
    if (!main.querySelector('h1')?.textContent.trim()) found.push('there is no heading');
    if (main.textContent.trim().length < 20) found.push('it is almost empty');
    if (document.querySelector('[data-broken]')) found.push('something broke: ' + document.querySelector('[data-broken]').textContent);
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
      const wide = [...document.querySelectorAll('body *')].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.right > root.clientWidth + 1 && getComputedStyle(e).position !== 'fixed';
      });
      found.push('it is wider than the window: ' + wide.slice(0, 3).map((e) => e.tagName + '.' + e.className).join(', '));
    }
    return found;
  })()`);
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What an accessibility checker finds that is serious or critical, one sentence each. */
export async function findInaccessible(page: Page): Promise<string[]> {
  // Through the debugger: the page's policy lets no script in.
  await page.evaluate(await axeSource);
  return page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, help, nodes }) =>
      id + ': ' + help + ' (' + nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.failureSummary ?? '').split('\\n').slice(1, 2).join('').trim()).join('; ') + ')'))`);
}

/** Where pictures go, for people: PORTAL_SHOTS=folder; nowhere otherwise. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.PORTAL_SHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
