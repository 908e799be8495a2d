import { beforeAll, beforeEach, expect, test } from 'vitest';
import {
  findExperiment,
  insertVersion,
  listExperiments,
  listRunning,
  listUnpublished,
  listVersions,
  markExperimentsPublished,
  readServing,
  type NewVersion,
} from '../../../workers/store/experiments.ts';
import { bundles, experimentVersions } from '../../../workers/store/schema.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { digest, experimentOf } from '../../shared/experiments.ts';
import { by, freshStores } from '../fixtures.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
  const published = { tasks: [], inputs: [], sizeBytes: 0, publishedAt: by.at };
  const rows = ['a', 'b', 'c'].map((letter) => ({ id: digest(letter), name: letter, ...published }));
  await stores.db.insert(bundles).values(rows);
});
beforeEach(() => stores.db.delete(experimentVersions));

async function insert(experiment: string, version: number, change: Partial<NewVersion> = {}): Promise<void> {
  const row: NewVersion = {
    ...{ experiment, version, endpoint: 'vision', state: 'running', step: 'edit', reason: null },
    document: experimentOf({ experiment, version }),
    ...{ createdAt: by.at, createdBy: by.actor },
    ...change,
  };
  await insertVersion(stores.db, row, { ...by, action: 'experiment.edit', subject: experiment, detail: {} });
}

test('an experiment is its newest version, and running only when that runs', async () => {
  await insert('a', 1, { state: 'draft' });
  await insert('a', 2);
  await insert('b', 1);
  await insert('b', 2, { state: 'paused' });
  await insert('c', 1, { endpoint: 'speech' });
  expect(await findExperiment(stores.db, 'b')).toMatchObject({ version: 2, state: 'paused' });
  expect(await findExperiment(stores.db, 'nobody')).toBeUndefined();
  expect(await listRunning(stores.db)).toEqual(['a', 'c']);
  const { experiments, sequence, revision } = await readServing(stores.db, 'vision');
  expect(experiments.map((row) => [row.experiment, row.state, row.document.version])).toEqual([
    ['a', 'running', 2],
    ['b', 'paused', 2],
  ]);
  expect(sequence).toBe(Math.max(...experiments.map((row) => row.sequence)));
  expect(revision).toBeUndefined();
});

test('a version is made once, and its audit entry with it', async () => {
  await insert('once', 1);
  await expect(insert('once', 1)).rejects.toThrow();
  expect((await listVersions(stores.db, 'once')).rows).toHaveLength(1);
});

test('published is what the edge was told of, not what came after', async () => {
  await insert('told', 1);
  const { sequence } = await readServing(stores.db, 'vision');
  await insert('told', 2);
  await markExperimentsPublished(stores.db, 'vision', sequence, by.at);
  const published = (await listVersions(stores.db, 'told')).rows.map((row) => row.publishedAt);
  expect(published).toEqual([null, by.at]);
  expect(await listUnpublished(stores.db)).toEqual(['vision']);
});

test('drafts and archived experiments wait for no publishing', async () => {
  await insert('draft', 1, { state: 'draft' });
  await insert('archived', 1, { state: 'archived' });
  expect(await listUnpublished(stores.db)).toEqual([]);
});

test('lists come in pages', async () => {
  for (let i = 0; i < 101; i++) await insert(`e${String(i).padStart(3, '0')}`, 1);
  const first = await listExperiments(stores.db, 'default');
  expect([first.rows.length, first.next]).toEqual([100, 'e099']);
  const second = await listExperiments(stores.db, 'default', first.next ?? undefined);
  expect([second.rows.map((row) => row.experiment), second.next]).toEqual([['e100'], null]);
});
