import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { isFinal, jobTransitions, type JobEvent } from '../../../../shared/jobs.ts';
import { cancelJob } from '../../../../workers/domain/jobs/cancel-job.ts';
import { completeJob } from '../../../../workers/domain/jobs/complete-job.ts';
import { failJob } from '../../../../workers/domain/jobs/end-attempt.ts';
import { expireLeases } from '../../../../workers/domain/jobs/expire-leases.ts';
import { claimJob } from '../../../../workers/domain/jobs/claim-job.ts';
import { heartbeat, type Lease } from '../../../../workers/domain/jobs/lease.ts';
import { findOwnJob, viewOfEvent } from '../../../../workers/domain/jobs/view-of-job.ts';
import { listEvents, listJobs } from '../../../../workers/store/jobs.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { storesThrough } from '../../faulty-stores.ts';
import { by, freshStores } from '../../fixtures.ts';
import { askInspection, inspected, newProject, runnerOf } from '../../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

const leaseMs = 60_000;
const call = fc.oneof(
  { weight: 3, arbitrary: fc.constant('claim' as const) },
  { weight: 3, arbitrary: fc.constant('hand back' as const) },
  fc.constantFrom('heartbeat', 'complete', 'fail', 'cancel', 'expire'),
);
/** Calls that are all on their way at once, and how long after the ones before. */
const burst = fc.record({
  calls: fc.array(call, { minLength: 2, maxLength: 8 }),
  waitMs: fc.constantFrom(1, 1, 6_000, 61_000),
});

test('calls at the same moment change a job one after the other, each under the token that holds then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(burst, { minLength: 3, maxLength: 8 }), async (bursts) => {
      const place = await newProject(stores);
      const { project } = place;
      // One only: whatever is claimed is what the others are busy with.
      const first = await askInspection(stores, place);
      let now = Date.parse(by.at);
      const leases: Lease[] = [];
      const make = async (what: (typeof bursts)[number]['calls'][number]): Promise<unknown> => {
        const change = { actor: 'tester', at: new Date(now).toISOString() };
        const term = { at: change.at, leaseMs };
        const lease = leases.at(-1);
        if (what === 'expire') return expireLeases(stores, change.at, project);
        if (what === 'cancel') return cancelJob(stores, project, first, change);
        if (what === 'claim') {
          const row = await claimJob(stores, project, { runner: runnerOf('r'), kinds: ['inspect'] }, term);
          if (row !== null) leases.push({ project, job: row.id, token: row.token });
          return row;
        }
        if (lease === undefined) return undefined;
        if (what === 'heartbeat') return heartbeat(stores, lease, {}, term);
        if (what === 'complete') {
          return completeJob(stores, lease, { inspection: inspected }, { maxManifestBytes: 1 }, change);
        }
        const ending = { reason: 'no luck', retryable: true, handBack: what === 'hand back' };
        return failJob(stores, lease, ending, change);
      };
      for (const { calls, waitMs } of bursts) {
        now += waitMs;
        for (const outcome of await Promise.allSettled(calls.map(make))) {
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
        }
      }
      // No lease was given out twice.
      expect(new Set(leases.map(({ job, token }) => `${job} ${token}`)).size).toBe(leases.length);
      for (const { id, state, token } of (await listJobs(stores.db, project, {})).rows) {
        const events = (await listEvents(stores.db, id)).rows.map(viewOfEvent);
        expect(checkStory(events)).toEqual({ state, token });
      }
    }),
    { numRuns: 15 },
  );
});

/** A promise, and what resolves it. */
function signal(): [Promise<void>, () => void] {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return [promise, () => resolve()];
}

/** Stores whose first batch waits until it is let go: by then others have changed what it was made for. */
function pausing(): { slow: Stores; reached: Promise<void>; letGo: () => void } {
  const [gate, letGo] = signal();
  const [reached, arrive] = signal();
  const slow = storesThrough(async (what, make) => {
    if (what === 'd1.batch') {
      arrive();
      await gate;
    }
    return make();
  });
  return { slow, reached, letGo };
}

test('whoever gives up a lease late does not give up the next one', async () => {
  const place = await newProject(stores);
  const { project } = place;
  const job = await askInspection(stores, place);
  const term = { at: by.at, leaseMs };
  const claimed = { runner: runnerOf('r'), kinds: ['inspect' as const] };
  await claimJob(stores, project, claimed, term);
  const lease = { project, job, token: 1 };
  const ending = { reason: 'no luck', retryable: true, handBack: true };
  const { slow, reached, letGo } = pausing();
  const late = failJob(slow, lease, ending, by);
  await reached;
  await failJob(stores, lease, ending, by);
  expect(await claimJob(stores, project, claimed, term)).toMatchObject({ id: job, token: 2 });
  letGo();
  await expect(late).rejects.toMatchObject({
    message: `Cannot fail job ${job} with token 1: token 2 holds it.`,
  });
  expect(await findOwnJob(stores, project, job)).toMatchObject({ state: 'leased', token: 2 });
});

test('a lease that is renewed while it is taken back stays', async () => {
  const place = await newProject(stores);
  const { project } = place;
  const job = await askInspection(stores, place);
  await claimJob(stores, project, { runner: runnerOf('r'), kinds: ['inspect'] }, { at: by.at, leaseMs });
  const after = new Date(Date.parse(by.at) + leaseMs).toISOString();
  const { slow, reached, letGo } = pausing();
  const taking = expireLeases(slow, after, project);
  await reached;
  await heartbeat(stores, { project, job, token: 1 }, {}, { at: after, leaseMs });
  letGo();
  expect(await taking).toBe(0);
  expect(await findOwnJob(stores, project, job)).toMatchObject({ state: 'leased', token: 1, attempts: 0 });
});

test.each([
  [
    'fails',
    (on: Stores, lease: Lease) => failJob(on, lease, { reason: 'no', retryable: true, handBack: false }, by),
  ],
  [
    'completes',
    (on: Stores, lease: Lease) =>
      completeJob(on, lease, { inspection: inspected }, { maxManifestBytes: 1 }, by),
  ],
])('somebody who cancels while an attempt %s is not overlooked', async (_, end) => {
  const place = await newProject(stores);
  const { project } = place;
  const job = await askInspection(stores, place);
  await claimJob(stores, project, { runner: runnerOf('r'), kinds: ['inspect'] }, { at: by.at, leaseMs });
  const { slow, reached, letGo } = pausing();
  const ending = end(slow, { project, job, token: 1 }).catch((error: unknown) => error);
  await reached;
  await cancelJob(stores, project, job, by);
  letGo();
  await ending;
  // The runner that heard of it, or the schedule, ends it.
  await expireLeases(stores, new Date(Date.parse(by.at) + leaseMs).toISOString(), project);
  expect(await findOwnJob(stores, project, job)).toMatchObject({ state: 'cancelled', result: null });
});

/** Follows the events: each may follow the one before, and is told under the token that was given out last. */
function checkStory(events: readonly JobEvent[]): { state: string; token: number } {
  const states = events.flatMap((event) => (event.type === 'state' ? [event.data] : []));
  let at = states[0];
  if (at === undefined) throw new Error('a job without events');
  for (const next of states.slice(1)) {
    expect(jobTransitions[at.state]).toContain(next.state);
    expect(next.token).toBe(next.state === 'leased' ? at.token + 1 : at.token);
    at = next;
  }
  expect(states.filter(({ state }) => isFinal(state)).length).toBeLessThanOrEqual(1);
  return { state: at.state, token: at.token };
}
