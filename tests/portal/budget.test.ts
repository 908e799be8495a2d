import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, openBrowser, openPage, settle } from './browser.ts';
import { startMock, type MockPlatform } from './mockPlatform.ts';
import { operationsHandlers } from './operationsFixtures.ts';
import { registryHandlers } from './registryFixtures.ts';
import { workHandlers } from './workFixtures.ts';

/** Bytes of compressed script that the first page may take, whichever it is. */
const budgetBytes = 200_000;
const key = `tl_0123456789abcdef_${'0'.repeat(64)}`;

/** A page of what was merged and is compared. */
const onWork = (path: string): string => `work ${path}`;

describe.skipIf(chromiumPath === null)('what a page takes', () => {
  let browser: Browser;
  let platform: MockPlatform;
  let work: MockPlatform;
  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build-portal.ts')]);
    browser = await openBrowser();
    platform = await startMock({ ...operationsHandlers, ...registryHandlers });
    work = await startMock(workHandlers);
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([platform.stop(), work.stop()]);
  });

  it.each([
    '/',
    '/models',
    '/models/digit',
    '/datasets',
    '/merges',
    '/bundles',
    '/playground',
    '/experiments',
    '/operations',
    '/datasets/digit-data',
    '/operations/endpoints/both',
    ...['/merges/new', '/bundles/both/2', '/playground?endpoint=shop', '/experiments/new'].map(onWork),
    onWork('/experiments/merged-or-separate'),
  ])(
    'the first load of %s keeps within 200 KB of compressed script, all from its own origin',
    async (place) => {
      const path = place.replace('work ', '');
      const { url } = path === place ? platform : work;
      const { page, complaints } = await openPage(browser, { url: `${url}/icon.svg`, key });
      const scripts = new Map<string, Promise<Buffer>>();
      page.on('response', (response) => {
        if (/javascript/.test(response.headers()['content-type'] ?? ''))
          scripts.set(response.url(), response.body());
      });
      await page.goto(url + path);
      await settle(page);
      const sizes = await Promise.all(
        [...scripts.values()].map(async (body) => gzipSync(await body, { level: 9 }).length),
      );
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(total).toBeGreaterThan(10_000);
      expect(total, `${place} takes ${total} bytes in ${sizes.length} files`).toBeLessThanOrEqual(
        budgetBytes,
      );
      expect([...scripts.keys()].every((script) => script.startsWith(url))).toBe(true);
      expect(complaints.filter((one) => !one.includes(url))).toEqual([]);
      await page.context().close();
    },
  );

  it('the policy stops inline scripts, other origins and frames around the page', async () => {
    const { page } = await openPage(browser, { url: `${platform.url}/models`, key });
    await settle(page);
    const stopped = await page.evaluate<string[]>(`(async () => {
      const stopped = [];
      document.addEventListener('securitypolicyviolation', (event) => stopped.push(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.ranInline = true';
      document.body.append(script);
      await fetch('https://example.com/').catch(() => undefined);
      const image = new Image();
      image.src = 'https://example.com/a.png';
      await new Promise((resolve) => setTimeout(resolve, 200));
      return [...stopped, String(window.ranInline)];
    })()`);
    expect(stopped).toEqual(
      expect.arrayContaining(['script-src-elem', 'connect-src', 'img-src', 'undefined']),
    );
    const reply = await fetch(`${platform.url}/models`);
    expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(reply.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(reply.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/);
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    await page.context().close();
  });
});
