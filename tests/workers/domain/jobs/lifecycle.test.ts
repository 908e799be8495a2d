import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { TrunklineError } from '../../../../shared/errors.ts';
import { isFinal, jobTransitions, maxAttempts } from '../../../../shared/jobs.ts';
import { cancelJob } from '../../../../workers/domain/jobs/cancel-job.ts';
import { completeJob } from '../../../../workers/domain/jobs/complete-job.ts';
import { failJob } from '../../../../workers/domain/jobs/end-attempt.ts';
import { expireLeases } from '../../../../workers/domain/jobs/expire-leases.ts';
import { claimJob } from '../../../../workers/domain/jobs/claim-job.ts';
import { heartbeat, type Lease } from '../../../../workers/domain/jobs/lease.ts';
import { retryJob } from '../../../../workers/domain/jobs/retry-job.ts';
import { listEvents, listJobs, type JobRow } from '../../../../workers/store/jobs.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { by, freshStores } from '../../fixtures.ts';
import { askInspection, inspected, newProject, runnerOf } from '../../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

const leaseMs = 60_000;
const owners = ['alice', 'bob', 'carol'];
const limits = { maxManifestBytes: 1e6 };

/** What happens next. Runners keep every lease they ever had, and use old ones too. */
const step = fc.oneof(
  fc.record({ do: fc.constant('ask' as const), owner: fc.constantFrom(...owners), priority: fc.nat(2) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), runner: fc.nat(2) }) },
  fc.record({ do: fc.constant('heartbeat' as const), lease: fc.nat(5) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('complete' as const), lease: fc.nat(5) }) },
  fc.record({
    do: fc.constant('fail' as const),
    lease: fc.nat(5),
    retryable: fc.boolean(),
    handBack: fc.boolean(),
  }),
  fc.record({ do: fc.constant('cancel' as const), job: fc.nat(7) }),
  fc.record({ do: fc.constant('retry' as const), job: fc.nat(7) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 30_000, 61_000) }),
  fc.record({ do: fc.constant('expire' as const) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const ask = (owner = 'alice'): Step => ({ do: 'ask', owner, priority: 0 });
const claims: Step = { do: 'claim', runner: 0 };
const wait = (ms: 30_000 | 61_000): Step => ({ do: 'wait', ms });
const fails = (lease: number): Step => ({ do: 'fail', lease, retryable: true, handBack: false });

/** Owners whose turn it is, in plain code over all rows: the reference of the claim's SQL. */
function nextInLine(rows: JobRow[], at: string): string | undefined {
  const due = rows.filter((row) => row.state === 'queued' && row.notBefore <= at);
  const leased = (owner: string) =>
    rows.filter((row) => row.owner === owner && row.state === 'leased').length;
  const served = (owner: string) =>
    Math.max(0, ...rows.map((row) => (row.owner === owner ? (row.served ?? 0) : 0)));
  const [first] = due.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      leased(a.owner) - leased(b.owner) ||
      served(a.owner) - served(b.owner) ||
      a.sequence - b.sequence,
  );
  return first?.id;
}

/** What chance seldom tells: leases that are old when they are used, and whoever is told to stop. */
const stories: Step[][] = [
  [
    ...[ask(), claims, wait(61_000), { do: 'expire' } as const, wait(30_000), claims],
    // The lease before the newest one.
    ...[{ do: 'heartbeat', lease: 1 } as const, { do: 'complete', lease: 1 } as const, fails(1), fails(0)],
  ],
  [ask(), claims, { do: 'cancel', job: 0 }, { do: 'heartbeat', lease: 0 }, fails(0), { do: 'retry', job: 0 }],
  [ask(), claims, { do: 'cancel', job: 0 }, wait(61_000), { do: 'expire' }],
  [ask(), claims, { do: 'cancel', job: 0 }, { do: 'complete', lease: 0 }],
];

test('whatever happens in whatever order, no job is lost, ended twice or taken out of turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const place = await newProject(stores);
      const { project } = place;
      let now = Date.parse(by.at);
      const term = () => ({ at: new Date(now).toISOString(), leaseMs });
      const change = () => ({ actor: 'tester', at: term().at });
      const leases: Lease[] = [];
      const asked: string[] = [];
      let before = new Map<string, JobRow>();
      const rows = async (): Promise<JobRow[]> => (await listJobs(stores.db, project, {})).rows;

      const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
        try {
          await work();
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: 'conflict' });
          expect(error).toBeInstanceOf(TrunklineError);
          return false;
        }
      };
      const onLease = async (index: number, work: (lease: Lease) => Promise<unknown>) => {
        const lease = leases[leases.length - 1 - (index % Math.max(1, leases.length))];
        if (lease === undefined) return;
        const held = before.get(lease.job);
        const done = await attempt(() => work(lease));
        // Only the newest token counts, and only while nobody else has ended the job.
        if (done) expect(held?.token).toBe(lease.token);
      };
      const onJob = async (index: number, work: (id: string) => Promise<unknown>) => {
        const id = asked[index % Math.max(1, asked.length)];
        if (id !== undefined) await attempt(() => work(id));
      };
      const claim = async (runner: string): Promise<void> => {
        await expireLeases(stores, term().at, project);
        const expected = nextInLine(await rows(), term().at);
        const row = await claimJob(stores, project, { runner: runnerOf(runner), kinds: ['inspect'] }, term());
        expect(row?.id).toBe(expected);
        if (row === null) return;
        expect(row.token).toBe((before.get(row.id)?.token ?? 0) + 1);
        leases.push({ project, job: row.id, token: row.token });
      };
      const complete = (lease: Lease) =>
        completeJob(stores, lease, { inspection: inspected }, limits, change());

      for (const one of steps) {
        now += 1;
        switch (one.do) {
          case 'ask':
            asked.push(await askInspection(stores, place, { ...one, at: term().at }));
            break;
          case 'claim':
            await claim(`r${one.runner}`);
            break;
          case 'heartbeat':
            await onLease(one.lease, (lease) => heartbeat(stores, lease, {}, term()));
            break;
          case 'complete':
            await onLease(one.lease, complete);
            break;
          case 'fail':
            await onLease(one.lease, (lease) =>
              failJob(stores, lease, { ...one, reason: 'no luck' }, change()),
            );
            break;
          case 'cancel':
            await onJob(one.job, (id) => cancelJob(stores, project, id, change()));
            break;
          case 'retry':
            await onJob(one.job, async (id) => {
              const { created, job } = await retryJob(stores, { project, owner: 'alice' }, id, change());
              if (created) asked.push(job.id);
            });
            break;
          case 'wait':
            now += one.ms;
            break;
          case 'expire':
            await expireLeases(stores, term().at, project);
        }
        before = await checkRows(before, await rows());
      }

      // Whatever is open ends when runners go on working.
      for (let round = 0; ; round++) {
        expect(round).toBeLessThan(20 * maxAttempts);
        const open = [...before.values()].filter((row) => !isFinal(row.state));
        if (open.length === 0) break;
        now += leaseMs + 600_000;
        await claim('last');
        before = await checkRows(before, await rows());
        await onLease(0, complete);
        before = await checkRows(before, await rows());
      }
      expect([...before.keys()].toSorted()).toEqual([...new Set(asked)].toSorted());
      await checkEvents([...before.values()]);
    }),
    { numRuns: 15, examples: stories.map((story) => [story]) },
  );
});

/** Holds the rows against those before: what may follow what, tokens, and that what has ended stays as it was. */
function checkRows(before: Map<string, JobRow>, after: JobRow[]): Promise<Map<string, JobRow>> {
  for (const row of after) {
    const old = before.get(row.id);
    if (old === undefined) continue;
    expect(row.token).toBeGreaterThanOrEqual(old.token);
    if (isFinal(old.state)) expect(row).toEqual(old);
    // A claim may take back a lease and give it out again in one go.
    const reachable = [old.state, ...jobTransitions[old.state]];
    if (old.state === 'leased' && row.token > old.token) reachable.push('leased');
    expect(reachable).toContain(row.state);
    expect(row.attempts).toBeLessThanOrEqual(maxAttempts);
    // Whoever was told to stop has nothing more to say.
    if (old.cancelRequested) expect(['leased', 'cancelled']).toContain(row.state);
  }
  for (const id of before.keys()) expect(after.map((row) => row.id)).toContain(id);
  return Promise.resolve(new Map(after.map((row) => [row.id, row])));
}

/** The events tell the same story as the rows: each step allowed, one end. */
async function checkEvents(rows: JobRow[]): Promise<void> {
  for (const row of rows) {
    const { rows: events } = await listEvents(stores.db, row.id);
    const states = events.flatMap(({ type, data }) =>
      type === 'state' && 'state' in data ? [data.state] : [],
    );
    expect(states[0]).toBe('queued');
    expect(states.at(-1)).toBe(row.state);
    for (const [i, state] of states.slice(1).entries()) {
      expect(jobTransitions[states[i] ?? 'cancelled']).toContain(state);
    }
    expect(states.filter((state) => isFinal(state))).toHaveLength(1);
    expect(states.filter((state) => state === 'leased')).toHaveLength(row.token);
  }
}
