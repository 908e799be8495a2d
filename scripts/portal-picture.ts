/**
 * Makes the picture of the README: an empty platform, driven in a browser from signing in to the answer of a merged bundle.
 * All of it is real (Workers, runner, training), so it takes minutes, and is the proof that the page alone leads there.
 *
 *   npm run portal:picture -- [--out FILE.webp]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeKey } from '../examples/demo/makeKey.ts';
import { generateKey } from '../shared/keys.ts';
import { openBrowser } from './chromium.ts';
import { startPlatform } from './platform.ts';
import { compose, density, typeface, windowSize } from './portal-picture/compose.ts';
import { Recorder } from './portal-picture/Recorder.ts';
import { captions, patienceMs, tellStory } from './portal-picture/story.ts';
import { keepRunner } from './start/keepRunner.ts';

const root = join(import.meta.dirname, '..');
const { values: args } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'docs/portal.webp') } },
});
const log = (line: string): void => console.log(line);

const folder = await mkdtemp(join(tmpdir(), 'trunkline-picture-'));
const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
try {
  const adminKey = generateKey().key;
  log('Starting an empty platform');
  const platform = await startPlatform({ adminKey, persistTo: join(folder, 'state') });
  stops.push(() => platform.stop());
  const url = platform.controlUrl;
  const key = await makeKey(url, adminKey, 'person', ['read', 'write', 'infer']);
  const runnerKey = await makeKey(url, adminKey, 'runner', ['runner']);
  stops.push(keepRunner({ controlUrl: url, key: runnerKey, folder: join(folder, 'runner'), log }));

  const browser = await openBrowser();
  stops.push(() => browser.close());
  const context = await browser.newContext({
    viewport: windowSize,
    deviceScaleFactor: density,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    // The page's policy allows no typeface from elsewhere.
    bypassCSP: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const style = await typeface();
  page.on('load', () => void page.addStyleTag({ content: style }));
  await page.goto(url);

  const recorder = new Recorder(page);
  const bringSamples = async (): Promise<void> => {
    log('Bringing the samples');
    const child = spawn('npm', ['run', 'seed', '--', '--url', url], {
      cwd: root,
      env: { ...process.env, TRUNKLINE_KEY: key },
      stdio: 'inherit',
      shell: process.platform === 'win32',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`npm run seed ended with ${code ?? 'a signal'}`);
  };
  log('Going the whole way');
  await tellStory({ page, recorder, key, bringSamples });

  const picture = await compose(browser, recorder.shots, captions);
  await mkdir(dirname(args.out), { recursive: true });
  await writeFile(args.out, picture);
  log(`${args.out}: ${recorder.shots.length} frames, ${(picture.length / 1000).toFixed(0)} kB`);
} finally {
  for (const stop of stops.reverse()) await stop();
}
