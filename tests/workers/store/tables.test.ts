import { beforeAll, expect, test } from 'vitest';
import {
  findApiKey,
  findApiKeyByHash,
  insertApiKey,
  listApiKeys,
  markRevoked,
} from '../../../workers/store/api-keys.ts';
import { auditInsert, listAudit, type AuditEntry } from '../../../workers/store/audit.ts';
import { announceManifest, findBundle, findBundles, insertBundle } from '../../../workers/store/bundles.ts';
import { isDuplicate, type Database } from '../../../workers/store/database.ts';
import {
  findEndpoint,
  insertRevision,
  listEndpoints,
  listRevisions,
  markPublished,
} from '../../../workers/store/endpoints.ts';
import { pageSize, toPage } from '../../../workers/store/page.ts';
import { apiKeys, endpointRevisions } from '../../../workers/store/schema.ts';
import { by, freshStores, image } from '../fixtures.ts';

let db: Database;
beforeAll(async () => {
  ({ db } = await freshStores());
  await addBundle('served');
});

const at = by.at;
const entry = (action: AuditEntry['action'], subject: string): AuditEntry => ({
  ...by,
  action,
  subject,
  detail: {},
});
const keyRow = (id: string) => ({
  id,
  name: `key ${id}`,
  hash: `hash ${id}`,
  scopes: ['read' as const],
  createdAt: at,
  expiresAt: null,
});
const bundleRow = (id: string) => ({
  id,
  name: 'pair',
  tasks: ['digit'],
  inputs: [image],
  sizeBytes: 12,
  publishedAt: at,
});
const addBundle = async (id: string): Promise<void> => {
  const generation = await announceManifest(db, id, at);
  await insertBundle(db, { row: bundleRow(id), generation, files: [] }, entry('bundle.publish', id));
};
/** Serves the bundle "served". */
const revisionRow = (endpoint: string, revision: number) => ({
  endpoint,
  revision,
  project: 'default',
  tasks: { digit: 'served' },
  createdAt: at,
  createdBy: 'tester',
});

/** The error of a promise that must fail. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );

test('a key is found by id and by hash, and revoked once', async () => {
  await insertApiKey(db, keyRow('a'), entry('key.create', 'a'));
  expect(await findApiKey(db, 'a')).toMatchObject({ ...keyRow('a'), revokedAt: null });
  expect(await findApiKeyByHash(db, 'hash a')).toMatchObject({ id: 'a' });
  expect(await findApiKey(db, 'hash a')).toBeUndefined();
  await markRevoked(db, 'a', at, entry('key.revoke', 'a'));
  await markRevoked(db, 'a', '2027-01-01T00:00:00.000Z', entry('key.revoke', 'a'));
  expect((await findApiKey(db, 'a'))?.revokedAt).toBe(at);
});

test('a row and its audit entry are written together or not at all', async () => {
  await addBundle('x');
  const before = await listAudit(db);
  const error = await errorOf(addBundle('x'));
  expect(isDuplicate(error)).toBe(true);
  expect(await listAudit(db)).toEqual(before);
  expect(before.rows[0]).toMatchObject({ ...entry('bundle.publish', 'x') });
});

test('isDuplicate() is false for other errors', () => {
  expect(isDuplicate(new Error('no such table: bundles'))).toBe(false);
  expect(isDuplicate('UNIQUE constraint failed')).toBe(false);
  expect(isDuplicate(new Error('outer', { cause: new Error('UNIQUE constraint failed: a.b') }))).toBe(true);
});

test('bundles are found by their ids, those that exist', async () => {
  await addBundle('y');
  expect(await findBundle(db, 'y')).toMatchObject(bundleRow('y'));
  expect((await findBundles(db, ['y', 'x', 'none'])).map((row) => row.id).sort()).toEqual(['x', 'y']);
  expect(await findBundles(db, [])).toEqual([]);
  const hundred = Array.from({ length: 100 }, (_, i) => `id ${i}`);
  expect(await findBundles(db, hundred)).toEqual([]);
});

test('an endpoint is its newest revision, and each revision exists once', async () => {
  for (const revision of [1, 2, 3]) {
    await insertRevision(db, revisionRow('vision', revision), entry('endpoint.set', 'vision'));
  }
  await insertRevision(db, revisionRow('audio', 1), entry('endpoint.set', 'audio'));
  await markPublished(db, 'vision', 2, at);
  expect(await findEndpoint(db, 'vision')).toEqual({ ...revisionRow('vision', 3), publishedAt: null });
  expect(await findEndpoint(db, 'none')).toBeUndefined();
  expect(await listEndpoints(db, 'default')).toEqual({
    rows: [
      { ...revisionRow('audio', 1), publishedAt: null },
      { ...revisionRow('vision', 3), publishedAt: null },
    ],
    next: null,
  });
  expect((await listEndpoints(db, 'default', 'audio')).rows.map((row) => row.endpoint)).toEqual(['vision']);
  const history = await listRevisions(db, 'vision');
  expect(history.rows.map((row) => [row.revision, row.publishedAt])).toEqual([
    [3, null],
    [2, at],
    [1, null],
  ]);
  expect((await listRevisions(db, 'vision', 3)).rows.map((row) => row.revision)).toEqual([2, 1]);
  const error = await errorOf(insertRevision(db, revisionRow('vision', 3), entry('endpoint.set', 'vision')));
  expect(isDuplicate(error)).toBe(true);
});

test('the time of publication is the first one', async () => {
  await insertRevision(db, revisionRow('once', 1), entry('endpoint.set', 'once'));
  await markPublished(db, 'once', 1, at);
  await markPublished(db, 'once', 1, '2027-01-01T00:00:00.000Z');
  expect((await findEndpoint(db, 'once'))?.publishedAt).toBe(at);
});

test('pages of every list join without a gap or a repetition', async () => {
  const count = pageSize + 5;
  const numbers = Array.from({ length: count }, (_, i) => i);
  await db.batch([
    db.insert(apiKeys).values(keyRow('last')),
    ...numbers.flatMap((i) => [
      db.insert(apiKeys).values(keyRow(`p${i}`)),
      db.insert(endpointRevisions).values(revisionRow(`p${i}`, 1)),
      db.insert(endpointRevisions).values(revisionRow('long', i + 1)),
      auditInsert(db, entry('blob.store', `p${i}`)),
    ]),
  ]);
  await expectJoined(
    (cursor?: number) => listApiKeys(db, undefined, cursor),
    (row) => row.id,
  );
  await expectJoined(
    (cursor?: string) => listEndpoints(db, 'default', cursor),
    (row) => row.endpoint,
  );
  await expectJoined(
    (cursor?: number) => listRevisions(db, 'long', cursor),
    (row) => row.revision,
  );
  await expectJoined(
    (cursor?: number) => listAudit(db, undefined, cursor),
    (row) => row.sequence,
  );

  async function expectJoined<Row, Cursor>(
    list: (cursor?: Cursor) => Promise<{ rows: Row[]; next: Cursor | null }>,
    id: (row: Row) => unknown,
  ): Promise<void> {
    const seen: unknown[] = [];
    let pages = 0;
    for (let cursor: Cursor | null | undefined; cursor !== null; pages++) {
      const page: { rows: Row[]; next: Cursor | null } = await list(cursor);
      expect(page.rows.length).toBeLessThanOrEqual(pageSize);
      seen.push(...page.rows.map(id));
      cursor = page.next;
    }
    expect(pages).toBeGreaterThan(1);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(count);
  }
});

test('toPage() names the next page only where there is one', () => {
  const rows = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const page = (count: number) => toPage(rows(count), (row) => `after ${row}`);
  expect(page(0)).toEqual({ rows: [], next: null });
  expect(page(pageSize)).toEqual({ rows: rows(pageSize), next: null });
  expect(page(pageSize + 1)).toEqual({ rows: rows(pageSize), next: `after ${pageSize - 1}` });
});
