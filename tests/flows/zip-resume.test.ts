import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundle } from '../../gpu-runner/bundle/readBundle.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { writeModelFile } from '../../gpu-runner/onnx/files.ts';
import { Home } from '../gpu-runner/cli/runCli.ts';
import { writeTinyMerge } from '../gpu-runner/cli/tinyMerge.ts';
import { NetBuilder } from '../gpu-runner/mtz/nets.ts';

// `trunkline zip` as a process of its own, killed again and again.

const cli = fileURLToPath(new URL('../../gpu-runner/cli.ts', import.meta.url));
const tasks = ['digit', 'fashion'];
const layers = 3;
/** Enough retraining for some thirty checkpoints. */
const steps = ['--steps-per-layer', '800', '--final-steps', '400', '--batch-size', '8', '--share', '0.5'];

let home: Home;
beforeAll(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
  for (const [seed, task] of tasks.entries()) {
    const { labels } = JSON.parse(await readFile(home.path(`${task}.json`), 'utf8')) as { labels: string[] };
    const net = new NetBuilder(seed, [4], 'x');
    const widths = [4, 12, 10, 8];
    for (let layer = 1; layer <= layers; layer += 1)
      net.dense(`fc${layer}`, widths[layer - 1] ?? 0, widths[layer] ?? 0).op('Relu');
    writeModelFile(home.path(`${task}.onnx`), net.dense('out', 8, labels.length).end());
  }
});
afterAll(() => home.remove());

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
}

interface Running {
  /** What it has said so far. */
  readonly said: () => string;
  readonly ended: Promise<Ended>;
}

/** Runs the command line. @param killWhen told when it runs; the process is killed when it returns */
async function zip(out: string, killWhen?: (running: Running) => Promise<void>): Promise<Ended> {
  const named = tasks.flatMap((task) => [
    ...['--net', `${task}=${home.path(`${task}.onnx`)}`, '--data', `${task}=${home.path(`${task}.json`)}`],
  ]);
  const args = [
    ...named,
    ...steps,
    '--name',
    'merged',
    '--out',
    out,
    '--resume',
    '--checkpoint-seconds',
    '0',
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'zip', ...args], {
    env: { ...process.env, XDG_CONFIG_HOME: home.folder, SOURCE_DATE_EPOCH: '1700000000' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    err,
  }));
  if (killWhen) {
    await killWhen({ said: () => err, ended });
    child.kill('SIGKILL');
  }
  return ended;
}

const checkpointOf = async (out: string): Promise<number> =>
  (await stat(`${out}.checkpoint/checkpoint`).catch(() => undefined))?.mtimeMs ?? 0;
const partialOf = (out: string): string => `${out}.checkpoint/bundle.partial`;

/** Where a run is killed. */
type Moment = 'reading' | 'retraining' | 'export' | 'writing';
const moments: readonly Moment[] = [
  ...(['retraining', 'reading', 'retraining', 'retraining', 'reading', 'retraining'] as const),
  ...(['export', 'writing', 'export', 'writing'] as const),
];

test('zip that is killed at ten random points and resumed ends with the same bundle', async () => {
  const undisturbed = await zip(home.path('whole'));
  expect(undisturbed.code, undisturbed.err).toBe(0);
  const whole = await readBundle(home.path('whole'));

  const random = new Random(20180502);
  const out = home.path('killed');
  let exported = false;
  /** Waits until something is so, or the process has ended. */
  const until = async ({ ended }: Running, isSo: () => boolean | Promise<boolean>): Promise<void> => {
    const over = ended.then(() => true);
    while (!(await isSo())) if (await Promise.race([over, setTimeout(1, false)])) return;
  };
  const wait = async ({ ended }: Running, below: number): Promise<void> => {
    await Promise.race([ended, setTimeout(random.integer(below))]);
  };
  const arrive: Record<Moment, (running: Running) => Promise<void>> = {
    reading: (running) => wait(running, 400),
    // Some checkpoints after the run before, and a moment later: between two, or while one is written.
    async retraining(running) {
      for (let more = 1 + random.integer(8); more > 0; more -= 1) {
        const known = await checkpointOf(out);
        await until(running, async () => (await checkpointOf(out)) !== known);
      }
      await wait(running, 100);
    },
    // Once the last layer was looked at. A run that goes on from there does not look at it again.
    async export(running) {
      const end = exported ? /Going on where/ : new RegExp(`layer ${layers} of .*: validate`);
      await until(running, () => end.test(running.said()));
      await wait(running, 100);
      exported = true;
    },
    // At once: it takes some milliseconds.
    writing: (running) => until(running, () => existsSync(partialOf(out))),
  };
  let resumed = 0;
  let halfWritten = 0;
  for (const moment of moments) {
    const { signal, err } = await zip(out, arrive[moment]);
    expect(signal, `${moment}: ${err}`).toBe('SIGKILL');
    if (err.includes('Going on where the interrupted run was')) resumed += 1;
    if (existsSync(partialOf(out))) halfWritten += 1;
  }
  const last = await zip(out);
  expect(last.code, last.err).toBe(0);
  expect(last.err).toMatch(
    /Going on where the interrupted run was|The interrupted run had written the bundle/,
  );
  expect(resumed).toBeGreaterThanOrEqual(moments.length - 3);
  expect(halfWritten).toBeGreaterThanOrEqual(1);

  const bundle = await readBundle(out);
  expect(bundle.id).toBe(whole.id);
  expect(bundle.manifest).toEqual(whole.manifest);
  expect(readdirSync(home.folder).filter((name) => name.startsWith('killed'))).toEqual(['killed']);
});
