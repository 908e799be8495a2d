import { asc } from 'drizzle-orm';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { latencyBucket } from '../../../shared/latency-histogram.ts';
import type { TrafficCount } from '../../../shared/traffic-message.ts';
import { trafficKeptMs } from '../../../shared/traffic.ts';
import type { Database } from '../../../workers/store/database.ts';
import { insertRevision } from '../../../workers/store/endpoints.ts';
import { traffic, trafficMessages } from '../../../workers/store/schema/traffic.ts';
import {
  addTraffic,
  countableMs,
  listTraffic,
  sumTraffic,
  sweepTraffic,
  type Kept,
} from '../../../workers/store/traffic.ts';
import { countOf, messageOf } from '../../shared/traffic.ts';
import { by, freshStores } from '../fixtures.ts';

let db: Database;
beforeAll(async () => {
  ({ db } = await freshStores());
  await serve('vision', 'default');
  await serve('audio', 'default');
  await serve('theirs', 'shop');
});
beforeEach(async () => {
  await db.batch([db.delete(traffic), db.delete(trafficMessages)]);
});

/** A revision without tasks: what is of endpoints that were deleted counts too. */
async function serve(endpoint: string, project: string, revision = 1): Promise<void> {
  const row = { endpoint, project, revision, tasks: {}, createdAt: by.at, createdBy: by.actor };
  await insertRevision(db, row, { ...by, action: 'endpoint.set', subject: endpoint, detail: {} });
}
const rows = (kept: Kept) =>
  db
    .select()
    .from(traffic)
    .orderBy(asc(traffic.endpoint), asc(traffic.at))
    .then((all) => all.filter(({ resolution }) => resolution === kept));
const at = (minute: number): string => `2026-01-02T03:${String(minute).padStart(2, '0')}:00.000Z`;
const hour = at(0);
const [quick, slow] = [latencyBucket(2), latencyBucket(40)];
const day = { from: '2026-01-02T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z' };

describe('addTraffic()', () => {
  test('keeps what was counted by the minute and by the hour', async () => {
    expect(await addTraffic(db, messageOf(), by.at)).toBe(true);
    const row = { project: 'default', ...countOf() };
    expect(await rows('minute')).toEqual([{ ...row, resolution: 'minute' }]);
    expect(await rows('hour')).toEqual([{ ...row, resolution: 'hour', at: hour }]);
  });

  test('adds to what is there, bucket by bucket and code by code, from one message or several', async () => {
    const more: TrafficCount[] = [
      countOf({ at: at(4), samples: 1, errors: { internal: 2 }, latency: { [slow]: 1, [slow + 1]: 7 } }),
      countOf({ at: at(5), errors: {}, latency: {} }),
      countOf({ endpoint: 'audio', at: at(5) }),
    ];
    await addTraffic(db, messageOf(), by.at);
    await addTraffic(db, { ...messageOf(), counts: more }, by.at);
    const sum = {
      errors: { invalid: 1, internal: 2 },
      latency: { [quick]: 2, [slow]: 2, [slow + 1]: 7 },
    };
    expect(await rows('minute')).toMatchObject([
      countOf({ endpoint: 'audio', at: at(5) }),
      { endpoint: 'vision', at: at(4), samples: 6, ...sum },
      { endpoint: 'vision', at: at(5), samples: 5, errors: {}, latency: {} },
    ]);
    expect(await rows('hour')).toMatchObject([
      { endpoint: 'audio', samples: 5 },
      { endpoint: 'vision', at: hour, samples: 11, ...sum },
    ]);
  });

  test('counts a message once, however often it comes', async () => {
    const message = messageOf();
    const counted = await Promise.all([1, 2, 3].map(() => addTraffic(db, message, by.at)));
    expect(counted.filter(Boolean)).toHaveLength(1);
    expect(await addTraffic(db, message, by.at)).toBe(false);
    expect(await rows('minute')).toMatchObject([countOf()]);
  });

  test('counts for the project that the endpoint is of now, and nothing for names that are nobody’s', async () => {
    const counts = ['theirs', 'made-up'].map((endpoint) => countOf({ endpoint }));
    expect(await addTraffic(db, { ...messageOf(), counts }, by.at)).toBe(true);
    await serve('theirs', 'other', 2);
    await addTraffic(db, { ...messageOf(), counts }, by.at);
    const all = await rows('minute');
    expect(all.map(({ project, endpoint, samples }) => [project, endpoint, samples]).toSorted()).toEqual([
      ['other', 'theirs', 5],
      ['shop', 'theirs', 5],
    ]);
  });

  test('does not count what is so old that it might have been counted before', async () => {
    const made = new Date(by.at);
    const later = (ms: number): string => new Date(made.getTime() + ms).toISOString();
    expect(await addTraffic(db, messageOf({}, made), later(countableMs + 1))).toBe(false);
    expect(await rows('hour')).toEqual([]);
    // As long as it could be counted, it is remembered that it was.
    const message = messageOf({}, made);
    expect(await addTraffic(db, message, by.at)).toBe(true);
    await sweepTraffic(db, later(countableMs - 1));
    expect(await addTraffic(db, message, later(countableMs - 1))).toBe(false);
    expect(await rows('hour')).toMatchObject([countOf({ at: hour })]);
  });
});

describe('what was counted', () => {
  beforeEach(async () => {
    const counts = [
      countOf({ at: at(4) }),
      countOf({ at: at(6) }),
      countOf({ at: '2026-01-03T00:00:00.000Z' }),
      countOf({ endpoint: 'audio', at: at(5), errors: {} }),
      countOf({ endpoint: 'theirs', at: at(5) }),
    ];
    await addTraffic(db, { ...messageOf(), counts }, by.at);
  });

  test('listTraffic() tells an endpoint’s rows of a stretch of time, in its order', async () => {
    const own = { project: 'default', endpoint: 'vision' };
    const list = async (kept: Kept, from: string, to: string): Promise<string[]> =>
      (await listTraffic(db, own, { kept, from, to })).map((row) => row.at);
    expect(await list('minute', at(4), at(6))).toEqual([at(4)]);
    expect(await list('minute', day.from, day.to)).toEqual([at(4), at(6)]);
    expect(await list('hour', day.from, day.to)).toEqual([hour]);
    const foreign = { project: 'shop', endpoint: 'vision' };
    expect(await listTraffic(db, foreign, { kept: 'hour', ...day })).toEqual([]);
  });

  test('sumTraffic() tells each endpoint’s rows of the project as one', async () => {
    const names = ['audio', 'theirs', 'unknown', 'vision'];
    for (const kept of ['minute', 'hour'] as const) {
      const sums = await sumTraffic(db, 'default', names, { kept, ...day });
      expect(sums.toSorted((a, b) => a.endpoint.localeCompare(b.endpoint))).toEqual([
        { endpoint: 'audio', samples: 5, errors: {}, latency: { [quick]: 2, [slow]: 1 } },
        { endpoint: 'vision', samples: 10, errors: { invalid: 2 }, latency: { [quick]: 4, [slow]: 2 } },
      ]);
    }
    expect(await sumTraffic(db, 'default', [], { kept: 'hour', ...day })).toEqual([]);
  });

  test('sweepTraffic() deletes minutes before hours, and both when they are old', async () => {
    const count = async (): Promise<number[]> => [(await rows('minute')).length, (await rows('hour')).length];
    const end = (kept: Kept): number => Date.parse('2026-01-03T00:00:00.000Z') + trafficKeptMs[kept];
    const sweepAt = (ms: number) => sweepTraffic(db, new Date(ms).toISOString());
    expect(await count()).toEqual([5, 4]);
    await sweepAt(end('minute'));
    expect(await count()).toEqual([1, 4]);
    await sweepAt(end('minute') + 1);
    expect(await count()).toEqual([0, 4]);
    await sweepAt(end('hour') + 1);
    expect(await count()).toEqual([0, 0]);
    expect(await db.select().from(trafficMessages)).toEqual([]);
  });
});
