import { beforeEach, expect, test } from 'vitest';
import { findContradicted, insertOutcomes, type OutcomeRow } from '../../../workers/store/outcomes.ts';
import { outcomes } from '../../../workers/store/schema.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';

let stores: Stores;
beforeEach(async () => {
  stores = await freshStores();
  await stores.db.delete(outcomes);
});

const outcome = (change: Partial<OutcomeRow> = {}): OutcomeRow => ({
  kind: 'request',
  subject: 'r1',
  task: 'digit',
  truth: [7],
  reward: null,
  at: by.at,
  ...change,
});

test('insertOutcomes() keeps truths and rewards as they were said', async () => {
  const said = [outcome(), outcome({ subject: 'r2', truth: null, reward: 0.25 })];
  expect(await insertOutcomes(stores.db, said)).toBe(2);
  expect(await stores.db.select().from(outcomes).orderBy(outcomes.subject)).toEqual(said);
});

test('the first outcome of a request and task stands', async () => {
  await insertOutcomes(stores.db, [outcome()]);
  const later = [outcome({ truth: [8] }), outcome({ task: 'clothing' }), outcome({ kind: 'unit' })];
  expect(await insertOutcomes(stores.db, later)).toBe(2);
  expect(await stores.db.select().from(outcomes)).toContainEqual(outcome());
});

test('findContradicted() tells those that say otherwise, not those that say the same', async () => {
  await insertOutcomes(stores.db, [outcome(), outcome({ subject: 'r2', truth: null, reward: 1 })]);
  const said = [
    outcome(),
    outcome({ truth: [7, 7] }),
    outcome({ subject: 'r2', truth: null, reward: 1 }),
    outcome({ subject: 'r2', truth: null, reward: 0.5 }),
    outcome({ subject: 'r2', truth: [1] }),
    outcome({ subject: 'r3' }),
  ];
  expect(await findContradicted(stores.db, said)).toEqual([1, 3, 4]);
});
