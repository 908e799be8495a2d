import { asc } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import { insertExposures } from '../../../workers/store/exposures.ts';
import { exposures } from '../../../workers/store/schema.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { freshStores } from '../fixtures.ts';

let stores: Stores;
beforeEach(async () => {
  stores = await freshStores();
  await stores.db.delete(exposures);
});
const rows = () => stores.db.select().from(exposures).orderBy(asc(exposures.requestId));

test('insertExposures() keeps every field', async () => {
  const one = exposureOf();
  expect(await insertExposures(stores.db, [one])).toBe(1);
  const { assignment, latencyMs, shadow } = one;
  expect(await rows()).toEqual([
    {
      requestId: one.requestId,
      endpoint: one.endpoint,
      endpointRevision: one.revision,
      at: one.at,
      ...assignment,
      tasks: one.tasks,
      predicted: one.predicted,
      totalMs: latencyMs.total,
      loadMs: latencyMs.load,
      trunkMs: latencyMs.trunk,
      headsMs: latencyMs.heads,
      bytesLoaded: one.bytesLoaded,
      heapBytes: one.heapBytes,
      cold: false,
      error: null,
      shadowArm: shadow?.arm,
      shadowMs: shadow?.totalMs,
      shadowBytesLoaded: shadow?.bytesLoaded,
      shadowError: null,
      agreement: shadow?.tasks,
    },
  ]);
});

test('insertExposures() keeps what is null as null, and what is true as true', async () => {
  const base = exposureOf();
  const assignment = base.assignment && { ...base.assignment, unit: null, reason: 'no-unit' as const };
  await insertExposures(stores.db, [
    exposureOf({ assignment, shadow: null, cold: true, error: 'unavailable', tasks: [], predicted: {} }),
  ]);
  const nothing = { shadowArm: null, shadowMs: null, shadowBytesLoaded: null, agreement: null };
  expect(await rows()).toMatchObject([
    { unit: null, cold: true, error: 'unavailable', tasks: [], ...nothing },
  ]);
});

test('insertExposures() counts a request once, within a batch and over batches, and the first one stands', async () => {
  const first = exposureOf({ requestId: 'a', bytesLoaded: 1 });
  const again = exposureOf({ requestId: 'a', bytesLoaded: 2 });
  expect(await insertExposures(stores.db, [first, again, exposureOf({ requestId: 'b' })])).toBe(2);
  expect(await insertExposures(stores.db, [again, exposureOf({ requestId: 'c' })])).toBe(1);
  expect((await rows()).map((row) => [row.requestId, row.bytesLoaded])).toEqual([
    ['a', 1],
    ['b', 0],
    ['c', 0],
  ]);
});

test('insertExposures() keeps no request of an endpoint without experiments', async () => {
  expect(await insertExposures(stores.db, [exposureOf({ assignment: null })])).toBe(0);
  expect(await rows()).toEqual([]);
});

test('insertExposures() takes the largest batch in one statement', async () => {
  const batch = Array.from({ length: 200 }, (_, i) => exposureOf({ requestId: `r${i}` }));
  expect(await insertExposures(stores.db, batch)).toBe(200);
});
