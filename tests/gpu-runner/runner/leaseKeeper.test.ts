import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { CancelledError, LeaseKeeper } from '../../../gpu-runner/runner/leaseKeeper.ts';
import { LeaseLostError } from '../../../gpu-runner/runner/runnerClient.ts';
import type { HeartbeatReply, Progress } from '../../../shared/jobs.ts';

const job = { jobId: 'a'.repeat(32), token: 3 };
const reply: HeartbeatReply = { cancelRequested: false, expiresAt: '2099-01-01T00:00:00.000Z' };
let keeper: LeaseKeeper | undefined;
afterEach(() => keeper?.end());

function keep(beat: (progress?: Progress) => Promise<HeartbeatReply>, onTrouble?: (error: unknown) => void) {
  keeper = new LeaseKeeper({
    client: { heartbeat: (_, progress) => beat(progress) },
    ...{ job, intervalMs: 10, progressMs: 4 },
    ...(onTrouble && { onTrouble }),
  });
  return keeper;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

it('LeaseKeeper beats on and on', async () => {
  let beats = 0;
  keep(() => {
    beats += 1;
    return Promise.resolve(reply);
  });
  await until(() => beats >= 4);
  expect(keeper?.signal.aborted).toBe(false);
});

it('LeaseKeeper aborts when the lease is lost, and asks no more', async () => {
  let beats = 0;
  const { signal } = keep(() => {
    beats += 1;
    return Promise.reject(new LeaseLostError('Token 3 is stale'));
  });
  await until(() => signal.aborted);
  expect(signal.reason).toBeInstanceOf(LeaseLostError);
  await setTimeout(40);
  expect(beats).toBe(1);
});

it('LeaseKeeper aborts when the job is to be cancelled', async () => {
  const { signal } = keep(() => Promise.resolve({ ...reply, cancelRequested: true }));
  await until(() => signal.aborted);
  expect(signal.reason).toBeInstanceOf(CancelledError);
});

it('LeaseKeeper tells trouble and goes on, the progress with it', async () => {
  const troubles: unknown[] = [];
  const told: (string | undefined)[] = [];
  const { signal } = keep(
    (progress) => {
      told.push(progress?.stage);
      return told.length < 3 ? Promise.reject(new Error('ECONNRESET')) : Promise.resolve(reply);
    },
    (error) => troubles.push(error),
  );
  keeper?.report({ stage: 'export', at: '2026-01-02T03:04:05.000Z' });
  await until(() => told.length >= 4);
  expect(told.slice(0, 4)).toEqual(['export', 'export', 'export', undefined]);
  expect(troubles).toHaveLength(2);
  expect(signal.aborted).toBe(false);
});

it('LeaseKeeper beats no more once it has ended, and ends a beat that hangs', async () => {
  let beats = 0;
  const ending = keep(() => {
    beats += 1;
    return Promise.resolve(reply);
  });
  await until(() => beats === 1);
  await ending.end();
  await setTimeout(40);
  expect(beats).toBeLessThanOrEqual(2);
});

it('LeaseKeeper tells all that waits when the work is over before the first heartbeat', async () => {
  const at = '2026-01-02T03:04:05.000Z';
  const told: (number | undefined)[] = [];
  const short = new LeaseKeeper({
    client: {
      heartbeat(_, progress) {
        told.push(progress?.step);
        return told.length === 3 ? Promise.reject(new Error('ECONNRESET')) : Promise.resolve(reply);
      },
    },
    ...{ job, intervalMs: 60_000, progressMs: 60_000 },
  });
  keeper = short;
  await short.flush();
  expect(told).toEqual([]);
  for (const layer of ['conv1', 'dense1'])
    for (const step of [1, 2]) short.report({ stage: 'retrain', layer, step, at });
  await short.flush();
  expect(told).toEqual([2, 2]);
  // A service that cannot be reached holds nothing up.
  short.report({ stage: 'export', step: 3, at });
  await short.flush();
  await short.flush();
  expect(told).toEqual([2, 2, 3, 3]);
});

it('LeaseKeeper tells progress at its own pace, however much there is', async () => {
  const at = '2026-01-02T03:04:05.000Z';
  let step = 0;
  let beats = 0;
  const pace = new LeaseKeeper({
    client: {
      heartbeat() {
        beats += 1;
        pace.report({ stage: 'retrain', step: (step += 1), at });
        return Promise.resolve(reply);
      },
    },
    ...{ job, intervalMs: 60_000, progressMs: 50 },
  });
  keeper = pace;
  pace.report({ stage: 'retrain', step: (step += 1), at });
  await until(() => beats === 1);
  // Many times as long as an answer takes.
  for (let turn = 0; turn < 20; turn += 1) await setTimeout(0);
  expect(beats).toBe(1);
});
