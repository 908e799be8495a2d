import { describe, expect, test } from 'vitest';
import { Traffic } from '../../../workers/edge/traffic.ts';
import { Clock } from './clock.ts';

function watched() {
  const clock = new Clock();
  const traffic = new Traffic(clock.wait, clock.now);
  const request = (ms: number): Promise<void> => traffic.during(() => clock.wait(ms));
  /** When it was quiet, counted from now; the deadline's time with a minus when it was not. */
  const quiet = async (quietMs: number, patienceMs: number): Promise<number> => {
    const started = clock.now();
    const came = await traffic.quiet(quietMs, started + patienceMs);
    return (came ? 1 : -1) * (clock.now() - started);
  };
  return { clock, traffic, request, quiet };
}

describe('quiet()', () => {
  test('comes at once when no request was here for that long', async () => {
    const { clock, request, quiet } = watched();
    expect(await quiet(50, 1000)).toBe(0);
    void request(10);
    await clock.pass(60);
    expect(await quiet(50, 1000)).toBe(0);
  });

  test('comes that long after the last request ended', async () => {
    const { clock, request, quiet } = watched();
    void request(100);
    void request(230);
    const came = quiet(50, 1000);
    await clock.pass(1000);
    expect(await came).toBeGreaterThanOrEqual(280);
    expect(await came).toBeLessThanOrEqual(330);
  });

  test('does not come while requests follow one another, and says so at the deadline', async () => {
    const { clock, request, quiet } = watched();
    void request(10);
    const busy = quiet(50, 1000);
    for (let i = 0; i < 40; i += 1) {
      void request(10);
      await clock.pass(30);
    }
    expect(await busy).toBe(-1000);
  });

  test('counts a request that failed as ended', async () => {
    const { clock, traffic, quiet } = watched();
    await expect(traffic.during(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    const came = quiet(50, 1000);
    await clock.pass(100);
    expect(await came).toBe(50);
  });
});
