import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Home } from '../gpu-runner/cli/runCli.ts';
import { tinyRecipe, writeTinyMerge } from '../gpu-runner/cli/tinyMerge.ts';

// `npm start`, driven by the command line: the whole way through public doors.

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly edgeUrl: string;
  readonly key: string;
}

/** The runner reads the examples' 83,000 images before it comes to the merge. */
const timeoutMs = 400_000;

let home: Home;
let running: Running | undefined;

beforeAll(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
});
// A test that failed on the way leaves nothing running.
afterEach(async () => {
  if (running?.child.exitCode === null) await stop(running);
});
afterAll(() => home.remove());

async function startUp(...more: string[]): Promise<Running & { told: string }> {
  const args = ['--disable-warning=ExperimentalWarning', 'scripts/start.ts'];
  const child = spawn(
    process.execPath,
    [...args, '--port', '0', '--folder', home.path('platform'), ...more],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`It ended:\n${told}`)));
  ended.catch(() => undefined);
  const [, url = '', edgeUrl = '', key = ''] = await Promise.race([
    ended,
    (async () => {
      const pattern = /runs at (\S+) \(inference at (\S+)\)\.\nKey with every scope: (\S+)\n[^]*Press Ctrl-C/;
      for (;;) {
        const match = pattern.exec(told);
        if (match) return match;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })(),
  ]);
  running = { child, url, edgeUrl, key };
  return { ...running, told };
}

async function stop({ child }: Running): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await ended) as [number | null];
  return code;
}

test(
  'npm start brings everything up, and the command line goes the whole way: push, merge, publish, infer, roll back',
  async () => {
    const platform = await startUp();
    const { url, edgeUrl, key } = platform;
    expect((await stat(home.path('platform', 'keys.json'))).mode & 0o077).toBe(0);
    const run = async (...args: string[]): Promise<string> => {
      const { status, out, err } = await home.run(args);
      expect(status, `trunkline ${args.join(' ')}: ${err}`).toBe(0);
      return out;
    };
    const login = await home.run(
      ['login', '--url', url, '--edge-url', edgeUrl],
      {},
      { readInput: () => Promise.resolve(key) },
    );
    expect(login.status, login.err).toBe(0);

    const seeded = await run('ls');
    for (const name of ['digit', 'fashion', 'digit-data', 'fashion-data', 'separate'])
      expect(seeded).toContain(name);

    for (const task of ['digit', 'fashion']) {
      await run(
        'push',
        'model',
        home.path(`${task}.onnx`),
        '--name',
        `tiny-${task}`,
        '--task',
        task,
        '--alias',
        'champion',
      );
      await run('push', 'dataset', home.path(`${task}.json`), '--name', `tiny-${task}-data`);
    }
    const again = await run(
      'push',
      'model',
      home.path('digit.onnx'),
      '--name',
      'tiny-digit',
      '--task',
      'digit',
    );
    expect(again).toContain('Registered tiny-digit@1');

    const merged = await run(
      ...['merge', 'tiny', '--endpoint', 'tiny', '--publish', '--json'],
      ...[
        '--source',
        'digit=tiny-digit@champion,tiny-digit-data',
        '--source',
        'fashion=tiny-fashion,tiny-fashion-data@1',
      ],
      ...tinyRecipe,
    );
    const first = JSON.parse(merged) as { state: string; result: { registered: string } };
    expect([first.state, first.result.registered]).toEqual(['succeeded', 'tiny@1']);
    await writeFile(home.path('x.json'), '[[1, 2, 3, 4]]');
    const ask = async () =>
      JSON.parse(await run('infer', 'tiny', home.path('x.json'), '--classes', '0', '--json')) as {
        version: string;
        outputs: Record<string, { data: number[] }>;
      };
    const answer = await ask();
    expect([answer.version, answer.outputs.digit?.data.length, answer.outputs.fashion?.data.length]).toEqual([
      '1',
      3,
      5,
    ]);

    await run(
      ...['zip', '--out', home.path('zipped'), ...tinyRecipe, '--share', '0'],
      ...['digit', 'fashion'].flatMap((task) => [
        ...['--net', `${task}=${home.path(`${task}.onnx`)}`],
        ...['--data', `${task}=${home.path(`${task}.json`)}`],
      ]),
    );
    await run('publish', home.path('zipped'), '--endpoint', 'tiny');
    expect(await run('show', 'endpoints', 'tiny')).toContain('endpoint tiny, revision 2');
    expect(await run('rollback', 'tiny')).toContain('tiny serves what its revision 1 did.');
    expect(await run('show', 'bundles', 'tiny@1')).toContain('models tiny-digit@1, digit');
    expect(await run('show', 'models', 'tiny-digit')).toMatch(/operators +2 MatMul, 1 Relu/);
    expect(await run('gc')).toBe('Everything is referred to, or too young to go.');

    expect(await stop(platform)).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    await expect(fetch(edgeUrl)).rejects.toThrow();
  },
  timeoutMs,
);

test(
  'npm start again goes on with what was there',
  async () => {
    const platform = await startUp();
    expect(platform.told).not.toContain('Registering');
    const env = {
      TRUNKLINE_URL: platform.url,
      TRUNKLINE_EDGE_URL: platform.edgeUrl,
      TRUNKLINE_KEY: platform.key,
    };
    const { out } = await home.run(['ls', 'endpoints'], env);
    expect(out).toMatch(/^tiny +3 /m);
    const inferred = await home.run(['infer', 'tiny', home.path('x.json')], env);
    expect(inferred.status, inferred.err).toBe(0);
    expect(await stop(platform)).toBe(0);
  },
  timeoutMs,
);
