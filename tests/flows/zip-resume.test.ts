import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundle } from '../../gpu-runner/bundle/readBundle.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { Home } from '../gpu-runner/cli/runCli.ts';
import { writeTinyMerge } from '../gpu-runner/cli/tinyMerge.ts';

// `trunkline zip` as a process of its own, killed again and again.

const cli = fileURLToPath(new URL('../../gpu-runner/cli.ts', import.meta.url));
const kills = 10;
/** Enough retraining for some fifty checkpoints. */
const steps = ['--steps-per-layer', '3000', '--final-steps', '2500', '--batch-size', '8', '--share', '0.5'];

let home: Home;
beforeAll(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
});
afterAll(() => home.remove());

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
}

/** Runs the command line. @param killWhen told when it runs; the process is killed when it returns */
async function zip(out: string, killWhen?: (ended: Promise<Ended>) => Promise<void>): Promise<Ended> {
  const named = ['digit', 'fashion'].flatMap((task) => [
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
    await killWhen(ended);
    child.kill('SIGKILL');
  }
  return ended;
}

const checkpointOf = async (out: string): Promise<number> =>
  (await stat(`${out}.checkpoint/checkpoint`).catch(() => undefined))?.mtimeMs ?? 0;

test('zip that is killed at ten random points and resumed ends with the same bundle', async () => {
  const undisturbed = await zip(home.path('whole'));
  expect(undisturbed.code, undisturbed.err).toBe(0);
  const whole = await readBundle(home.path('whole'));

  const random = new Random(20180502);
  const out = home.path('killed');
  let resumed = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const { signal, err } = await zip(out, async (ended) => {
      const over = ended.then(() => 'ended' as const);
      // Some while it reads, most some checkpoints and a moment after it got further than the run before.
      const early = kill % 4 === 3;
      for (let seen = 0, more = early ? 0 : 1 + random.integer(3); seen < more; seen += 1) {
        const known = await checkpointOf(out);
        while ((await checkpointOf(out)) === known)
          if ((await Promise.race([over, setTimeout(2)])) === 'ended') return;
      }
      await Promise.race([over, setTimeout(random.integer(early ? 400 : 30))]);
    });
    expect(signal, err).toBe('SIGKILL');
    if (err.includes('Going on where the interrupted run was')) resumed += 1;
  }
  expect(existsSync(out)).toBe(false);
  const last = await zip(out);
  expect(last.code, last.err).toBe(0);
  expect(last.err).toContain('Going on where the interrupted run was');
  expect(resumed).toBeGreaterThanOrEqual(kills - 3);

  const bundle = await readBundle(out);
  expect(bundle.id).toBe(whole.id);
  expect(bundle.manifest).toEqual(whole.manifest);
  expect(existsSync(`${out}.checkpoint`)).toBe(false);
});
