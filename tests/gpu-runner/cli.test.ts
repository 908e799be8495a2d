import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { version } from '../../gpu-runner/cli/version.ts';
import { FakeControl, Home } from './cli/runCli.ts';
import { exampleReport } from './runner/exampleReport.ts';

const key = `tl_${'0'.repeat(16)}_${'a'.repeat(64)}`;
let home: Home;
let control: FakeControl;

beforeEach(async () => {
  home = await Home.make();
  control = await FakeControl.start(({ path, authorization }) => {
    if (authorization !== `Bearer ${key}`)
      return {
        status: 401,
        json: { error: { code: 'unauthenticated', message: 'This key is not known.' } },
      };
    return path === '/v1/experiments/zip/report' ? { json: exampleReport() } : null;
  });
});
afterEach(async () => {
  await control.stop();
  await home.remove();
});

const report = (...args: string[]) =>
  home.run(['report', '--url', control.url, ...args], { TRUNKLINE_KEY: key });

it('trunkline report prints the table and the verdict', async () => {
  const { status, out, err } = await report('zip');
  expect([status, err]).toEqual([0, '']);
  expect(out).toContain('margin 1.00: non-inferior');
  expect(out).toMatch(/Verdict: Decided for merged by the rule/);
});

it('trunkline report --json prints the report as it came', async () => {
  expect(JSON.parse((await report('--json', 'zip')).out)).toEqual(exampleReport());
});

it("trunkline gives status 1, the service's sentence and what to try next when it is refused", async () => {
  const missing = await report('other');
  expect(missing.status).toBe(1);
  expect(missing.err).toBe(
    'Cannot report on experiment other: GET /v1/experiments/other/report answered 404: There is no GET /v1/experiments/other/report here.\nNext: trunkline ls',
  );
  const unknown = await home.run(['report', 'zip', '--url', control.url], { TRUNKLINE_KEY: `${key}0` });
  expect(unknown.status).toBe(1);
  expect(unknown.err).toContain('answered 401: This key is not known.\nNext: trunkline login');
  expect(unknown.out + unknown.err).not.toContain('tl_');
});

it('trunkline says what to start when nothing answers', async () => {
  await control.stop();
  const { status, err } = await report('zip');
  expect(status).toBe(1);
  expect(err).toMatch(/did not reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  expect(err).toContain('Next: npm start');
}, 20_000);

it('trunkline takes its key from the environment or a login, and nowhere else', async () => {
  const without = await home.run(['report', 'zip', '--url', control.url]);
  expect(without.status).toBe(1);
  expect(without.err).toContain(`Next: trunkline login --url ${control.url}`);
  expect((await report('zip', '--key', key)).status).toBe(2);
});

it.each([
  [['report'], "missing required argument 'experiment'"],
  [['report', 'a', 'b'], 'Expected 1 argument but got 2: a, b'],
  [['report', 'a', '--url', 'nowhere'], '"nowhere" is not a URL'],
  [['report', 'a', '--verbose'], "unknown option '--verbose'"],
  [['reprot'], '(Did you mean report?)'],
  [['toString'], "unknown command 'toString'"],
])('trunkline %j gives status 2 and says what is wrong', async (args, why) => {
  const { status, err, out } = await home.run(args);
  expect([status, out]).toEqual([2, '']);
  expect(err).toContain(why);
  expect(err).toContain('Next: add --help');
});

it('trunkline alone is refused, and told what there is; --help is answered', async () => {
  const alone = await home.run([]);
  expect([alone.status, alone.out]).toEqual([2, '']);
  expect(alone.err).toContain('report [options] <experiment>');
  const help = await home.run(['--help']);
  expect([help.status, help.err]).toEqual([0, '']);
  expect(help.out).toContain('report [options] <experiment>');
});

it("trunkline --version is the package's", async () => {
  const { version: packaged } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(version).toBe(packaged);
  expect((await home.run(['--version'])).out).toBe(packaged);
});
