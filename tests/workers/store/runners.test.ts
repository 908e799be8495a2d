import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { claimNext, renewLease } from '../../../workers/store/job-moves.ts';
import { pageSize } from '../../../workers/store/page.ts';
import { countAttempt, listRunners, noteRunner, sweepRunners } from '../../../workers/store/runners.ts';
import { runners } from '../../../workers/store/schema/jobs.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';
import { askInspection, newProject, runnerOf } from '../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});
const later = (ms: number): string => new Date(Date.parse(by.at) + ms).toISOString();
const claim = (project: string, name: string, at: string, version = '1') =>
  claimNext(stores.db, {
    ...{ project, at, kinds: ['inspect'], nonce: crypto.randomUUID(), leaseExpiresAt: later(1e6) },
    runner: { ...runnerOf(name), version },
  });
const listed = async (project: string) => (await listRunners(stores.db, project)).rows;

describe('a runner', () => {
  test('is listed once it has asked for a job, with those it holds', async () => {
    const place = await newProject(stores);
    const { project } = place;
    await claim(project, 'idle', by.at);
    const id = await askInspection(stores, place);
    await claim(project, 'busy', by.at);
    const row = {
      ...{ project, version: '1', providers: ['cpu'], kinds: ['inspect'] },
      ...{ firstSeenAt: by.at, seenAt: by.at, succeeded: 0, failed: 0 },
    };
    expect(await listed(project)).toEqual([
      { ...row, name: 'busy', jobs: [id] },
      { ...row, name: 'idle', jobs: [] },
    ]);
    expect(await listed('another')).toEqual([]);
  });

  test('is written once a minute at most, however often it asks, unless it is another version', async () => {
    const { project } = await newProject(stores);
    const written = async (at: string, version?: string): Promise<number> => {
      const runner = { ...runnerOf('r'), ...(version === undefined ? {} : { version }) };
      const kinds = ['merge' as const];
      const results: unknown[] = await stores.db.batch([
        noteRunner(stores.db, { project, runner, kinds, at }),
      ]);
      return (results[0] as D1Result).meta.changes;
    };
    expect(await written(by.at)).toBe(1);
    for (const ms of [3000, 30_000, 59_999]) expect(await written(later(ms)), String(ms)).toBe(0);
    expect(await written(later(60_000))).toBe(1);
    expect(await written(later(61_000), '2')).toBe(1);
    expect(await listed(project)).toMatchObject([
      { version: '2', firstSeenAt: by.at, seenAt: later(61_000) },
    ]);
  });

  test('that beats is seen, as seldom', async () => {
    const place = await newProject(stores);
    await askInspection(stores, place);
    const job = await claim(place.project, 'r', by.at);
    if (!job) throw new Error('there is no job');
    const seen = async (ms: number) => {
      await renewLease(stores.db, job, { at: later(ms), leaseExpiresAt: later(1e6) });
      return (await listed(place.project))[0]?.seenAt;
    };
    expect(await seen(20_000)).toBe(by.at);
    expect(await seen(70_000)).toBe(later(70_000));
  });

  test('is counted with what came of its attempts', async () => {
    const place = await newProject(stores);
    await askInspection(stores, place);
    const job = await claim(place.project, 'r', by.at);
    if (!job) throw new Error('there is no job');
    const { db } = stores;
    await db.batch([
      countAttempt(db, job, 'failed'),
      countAttempt(db, job, 'succeeded'),
      countAttempt(db, job, 'succeeded'),
    ]);
    expect(await listed(place.project)).toMatchObject([{ succeeded: 2, failed: 1 }]);
  });
});

test('listRunners() comes in pages that join', async () => {
  const { project } = await newProject(stores);
  const names = Array.from({ length: pageSize + 3 }, (_, i) => `r${String(i).padStart(3, '0')}`);
  const [first, ...rest] = names.map((name) =>
    noteRunner(stores.db, { project, runner: runnerOf(name), kinds: ['merge'], at: by.at }),
  );
  if (!first) throw new Error('there are none');
  await stores.db.batch([first, ...rest]);
  const one = await listRunners(stores.db, project);
  const two = await listRunners(stores.db, project, one.next ?? undefined);
  expect([...one.rows, ...two.rows].map(({ name }) => name)).toEqual(names);
  expect(two.next).toBeNull();
});

test('sweepRunners() forgets those not heard of for a month', async () => {
  const { project } = await newProject(stores);
  await claim(project, 'old', by.at);
  const month = 30 * 86_400_000;
  await sweepRunners(stores.db, later(month));
  expect(await listed(project)).toHaveLength(1);
  await sweepRunners(stores.db, later(month + 1));
  expect(await stores.db.select().from(runners).where(eq(runners.project, project))).toEqual([]);
});
