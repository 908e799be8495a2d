import { env } from 'cloudflare:workers';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Arm } from '../../../shared/experiment.ts';
import { exposure } from '../../../shared/exposure.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { Endpoints } from '../../../workers/edge/endpoint.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { SessionPool } from '../../../workers/edge/pool.ts';
import { Shadows } from '../../../workers/edge/shadow.ts';
import { Traffic } from '../../../workers/edge/traffic.ts';
import { Clock, settled } from './clock.ts';
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
  const pool = new SessionPool(({ task }) =>
    Promise.resolve({
      run: (_, wanted) => {
        runs.push(task ?? 'trunk');
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
    clock.now,
  );
  return { arm, runs, clock, traffic, shadows };
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
    const { shadows, arm, runs } = await shadowing([1, 2.5, 4]);
    const told = await shadows.run({ endpoint, inputs, outputs }, arm);
    expect(exposure.shape.shadow.parse(told)).toMatchObject({
      arm: 'merged',
      bytesLoaded: 400,
      error: null,
      tasks: { digit: { samples: 1, top1Matches: 1, maxDifference: 0.5 } },
    });
    expect(runs).toEqual(['trunk', 'digit']);
    expect(logged).not.toHaveBeenCalled();
  });

  test('waits until requests are done, and does nothing before', async () => {
    const { shadows, arm, runs, clock, traffic } = await shadowing([1, 2, 4]);
    void traffic.during(() => clock.wait(500));
    const told = shadows.run({ endpoint, inputs, outputs }, arm);
    await clock.pass(500 + limits.shadowQuietMs - 1);
    expect(runs).toEqual([]);
    await clock.pass(limits.shadowQuietMs);
    expect(await told).toMatchObject({ tasks: { digit: { maxDifference: 0 } } });
  });

  test('is skipped where requests never end', async () => {
    const { shadows, arm, runs, clock, traffic } = await shadowing([1, 2, 4]);
    void traffic.during(() => new Promise(() => undefined));
    const told = [1, 2].map(() => shadows.run({ endpoint, inputs, outputs }, arm));
    await clock.pass(limits.shadowPatienceMs);
    expect(await Promise.all(told)).toEqual([null, null]);
    expect(runs).toEqual([]);
  });

  test('is skipped when too much waits already, and taken again after that', async () => {
    const { shadows, arm, clock, traffic } = await shadowing([1, 2, 4]);
    void traffic.during(() => clock.wait(500));
    const data = new Float32Array(limits.shadowBytes / 4 - 3);
    const large = { image: { dtype: 'float32', dims: [1, data.length], data } as const };
    const first = shadows.run({ endpoint, inputs: large, outputs }, arm);
    expect(await shadows.run({ endpoint, inputs, outputs }, arm)).toBe(null);
    await clock.pass(1000);
    expect(await first).toMatchObject({ error: null });
    expect(await shadows.run({ endpoint, inputs, outputs }, arm)).toMatchObject({ error: null });
  });

  test('tells why the arm failed, and goes on with the next', async () => {
    const { shadows, arm, runs } = await shadowing([1, 2]);
    const missing = { ...arm, tasks: { ...arm.tasks, digit: digest('e') } };
    const told = await Promise.all(
      [missing, arm].map((one) => shadows.run({ endpoint, inputs, outputs }, one)),
    );
    await settled();
    expect(told.map((one) => exposure.shape.shadow.parse(one)?.error)).toEqual([
      'unavailable',
      'unprocessable',
    ]);
    expect(told.map((one) => one?.tasks)).toEqual([{}, {}]);
    expect(runs).toEqual(['trunk', 'digit']);
    expect(logged).toHaveBeenCalledTimes(2);
  });
});
