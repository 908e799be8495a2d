import { env } from 'cloudflare:workers';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Arm } from '../../../shared/experiment.ts';
import { exposure } from '../../../shared/exposure.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { Endpoints } from '../../../workers/edge/endpoint.ts';
import { limits, MiB } from '../../../workers/edge/limits.ts';
import { SessionPool } from '../../../workers/edge/pool.ts';
import type { Tensors } from '../../../workers/edge/backend.ts';
import { Shadows } from '../../../workers/edge/shadow.ts';
import { Traffic } from '../../../workers/edge/traffic.ts';
import { Clock } from './clock.ts';
import { digest, endpointOf, putManifest, twoTaskManifest } from './fixtures.ts';

const row = (...values: number[]): Tensor => ({
  dtype: 'float32',
  dims: [1, values.length],
  data: Float32Array.from(values),
});
const inputs = { image: row(1) };
const outputs = new Map([['digit', row(1, 2, 4)]]);
const endpoint = endpointOf(twoTaskManifest());

/** Shadows over sessions that answer `scores`, in an isolate whose traffic and time the test makes. */
async function shadowing(scores: number[]) {
  const bundle = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'arm' }));
  const arm: Arm = { name: 'merged', weight: 0, tasks: { digit: bundle, fashion: bundle } };
  const runs: string[] = [];
  /** Called in the midst of a run. */
  const during = { run: (): void => undefined };
  const pool = new SessionPool(({ task }) =>
    Promise.resolve({
      run: (_, wanted) => {
        runs.push(task ?? 'trunk');
        during.run();
        return Promise.resolve(Object.fromEntries(wanted.map((output) => [output, row(...scores)])));
      },
      release: () => Promise.resolve(),
    }),
  );
  const clock = new Clock();
  const traffic = new Traffic(clock.wait, clock.now);
  const shadows = new Shadows(
    pool,
    new Endpoints({ bundles: env.BUNDLES, routing: env.ROUTING }),
    traffic,
    clock.wait,
    clock.now,
  );
  const run = (one = arm, given: Tensors = inputs) => shadows.run({ endpoint, inputs: given, outputs }, one);
  return { arm, runs, during, clock, traffic, pool, run };
}

const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
beforeEach(() => {
  logged.mockClear();
});
afterAll(() => {
  logged.mockRestore();
});

describe('run()', () => {
  test('runs the tasks that were asked on the other arm and compares', async () => {
    const { run, clock, runs } = await shadowing([1, 2.5, 4]);
    expect(exposure.shape.shadow.parse(await clock.until(run()))).toMatchObject({
      arm: 'merged',
      bytesLoaded: 400,
      error: null,
      tasks: { digit: { samples: 1, top1Matches: 1, maxDifference: 0.5 } },
    });
    expect(runs).toEqual(['trunk', 'digit']);
    expect(logged).not.toHaveBeenCalled();
  });

  test('waits until requests are done, and does nothing before', async () => {
    const { run, runs, clock, traffic } = await shadowing([1, 2, 4]);
    void traffic.during(() => clock.wait(500));
    const told = run();
    await clock.pass(500 + limits.shadowQuietMs - 1);
    expect(runs).toEqual([]);
    expect(await clock.until(told)).toMatchObject({ tasks: { digit: { maxDifference: 0 } } });
  });

  test('lets a request that comes during one part go before the next', async () => {
    const { run, runs, during, clock, traffic } = await shadowing([1, 2, 4]);
    const started = new Promise<void>((resolve) => {
      during.run = () => {
        if (runs.length === 1) void traffic.during(() => clock.wait(300));
        resolve();
      };
    });
    const told = run();
    await clock.until(started);
    await clock.pass(300);
    expect(runs).toEqual(['trunk']);
    expect(await clock.until(told)).toMatchObject({ error: null });
    expect(runs).toEqual(['trunk', 'digit']);
  });

  test('runs one at a time', async () => {
    const { run, runs, clock } = await shadowing([1, 2, 4]);
    const told = await clock.until(Promise.all([run(), run(), run()]));
    expect(told.map((one) => one?.error)).toEqual([null, null, null]);
    expect(runs).toEqual(['trunk', 'digit', 'trunk', 'digit', 'trunk', 'digit']);
  });

  test('is skipped where requests never end', async () => {
    const { run, runs, clock, traffic } = await shadowing([1, 2, 4]);
    void traffic.during(() => new Promise(() => undefined));
    const told = [run(), run()];
    await clock.pass(limits.shadowPatienceMs);
    expect(await Promise.all(told)).toEqual([null, null]);
    expect(runs).toEqual([]);
  });

  test('is skipped when too many or too much wait already, and taken again after that', async () => {
    const { run, clock, traffic, arm } = await shadowing([1, 2, 4]);
    const data = new Float32Array(limits.shadowBytes / 4 - 3);
    const large = { image: { dtype: 'float32', dims: [1, data.length], data } as const };
    for (const waiting of [[large], Array.from({ length: limits.shadows }, () => inputs)]) {
      void traffic.during(() => clock.wait(500));
      const told = waiting.map((given) => run(arm, given));
      expect(await run()).toBe(null);
      for (const one of await clock.until(Promise.all(told))) expect(one).toMatchObject({ error: null });
    }
    expect(await clock.until(run())).toMatchObject({ error: null });
  });

  test('is skipped where its sessions do not fit beside those of requests', async () => {
    const { run, pool, clock } = await shadowing([1, 2, 4]);
    const part = { label: 'large', task: null, weights: [], widens: false, inputs: [], outputs: [] };
    const graph = { path: 'large.onnx', sha256: digest('d'), sizeBytes: 35 * MiB };
    await pool.use([{ ...part, key: 'large', graph }], () => Promise.resolve());
    const bundle = await putManifest(env.BUNDLES, twoTaskManifest({ name: 'wide' }, 7 * MiB));
    const wide = { name: 'wide', weight: 0, tasks: { digit: bundle, fashion: bundle } };
    expect(await clock.until(run(wide))).toBe(null);
    expect(await clock.until(run())).toMatchObject({ error: null });
  });

  test('tells why the arm failed, and goes on with the next', async () => {
    const { run, arm, runs, clock } = await shadowing([1, 2]);
    const missing = { ...arm, tasks: { ...arm.tasks, digit: digest('e') } };
    const told = await clock.until(Promise.all([run(missing), run()]));
    expect(told.map((one) => exposure.shape.shadow.parse(one)?.error)).toEqual([
      'unavailable',
      'unprocessable',
    ]);
    expect(told.map((one) => one?.tasks)).toEqual([{}, {}]);
    expect(runs).toEqual(['trunk', 'digit']);
    expect(logged).toHaveBeenCalledTimes(2);
  });
});
