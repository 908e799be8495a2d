import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { gcReply, type GcReply } from '../../../shared/registry.ts';
import { runSchedule } from '../../../workers/control/schedule.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { broken, bytesOf, freshStores, manifestOf, publish, put, tinyModel } from '../fixtures.ts';
import { answer, bindings, bootstrap, call, makeKey, refusal } from './client.ts';

let stores: Stores;
let key: string;
let admin: string;
beforeAll(async () => {
  stores = await freshStores();
  ({ key } = await makeKey('read', 'write'));
  ({ key: admin } = await makeKey('admin'));
});

/** Everything of the test before is old by now, and gone. */
beforeEach(async () => {
  await collect({ dryRun: false, graceHours: 0 });
});

type Deleted = GcReply['deleted'];
/** A whole collection, part by part. */
async function collect(request: object, by = bootstrap): Promise<Deleted> {
  const deleted: Deleted = [];
  let cursor: string | null = null;
  do {
    const json = { ...request, ...(cursor === null ? {} : { cursor }) };
    const reply = gcReply.parse((await answer('POST', '/v1/gc', { key: by, json }))[1]);
    deleted.push(...reply.deleted);
    cursor = reply.next;
  } while (cursor !== null);
  return deleted;
}
const idsOf = (deleted: Deleted, kind: string): string[] =>
  deleted.filter((one) => one.kind === kind).map(({ id }) => id);
const isStored = async (key: string): Promise<boolean> => (await env.BUNDLES.head(key)) !== null;

test('only what nothing refers to goes, and not in a dry run', async () => {
  const loose = await put(stores, bytesOf('nobody wants this'));
  const bundle = await publish(stores, ['digit'], { name: 'kept' });
  const model = await put(stores, tinyModel('model'));
  const file = { path: 'net.onnx', sha256: model, sizeBytes: tinyModel('model').length };
  const document = { format: 'trunkline.model/1', files: [file], labels: [] };
  await call('POST', '/v1/models/kept/versions', { key, json: document });
  const used = await put(stores, bytesOf('a checkpoint'));
  await stores.db.run(
    sql`INSERT INTO blob_uses (holder, project, sha256) VALUES ('job x', 'default', ${used})`,
  );

  const blobs = [{ kind: 'blob', id: loose, sizeBytes: 17 }];
  expect(await collect({ graceHours: 0 })).toEqual(blobs);
  expect(await isStored(`blobs/${loose}`)).toBe(true);
  expect(await collect({ dryRun: false, graceHours: 0 })).toEqual(blobs);
  expect(await isStored(`blobs/${loose}`)).toBe(false);
  expect((await call('HEAD', `/v1/blobs/${loose}`, { key })).status).toBe(404);
  for (const kept of [`manifests/${bundle}.json`, `blobs/${model}`, `blobs/${used}`]) {
    expect(await isStored(kept)).toBe(true);
  }
  // What was collected can come back.
  expect(await put(stores, bytesOf('nobody wants this'))).toBe(loose);
  expect(await isStored(`blobs/${loose}`)).toBe(true);
});

test('content younger than the grace period stays', async () => {
  const content = bytesOf('just uploaded');
  const sha256 = await sha256Hex(content);
  await call('PUT', `/v1/blobs/${sha256}`, { key, body: content });
  expect(idsOf(await collect({ dryRun: false }), 'blob')).toEqual([]);
  expect(idsOf(await collect({ dryRun: false, graceHours: 0 }), 'blob')).toEqual([sha256]);
});

test('a deleted bundle goes with its files, its manifest and its signature', async () => {
  const bundle = await publish(stores, ['fashion'], { name: 'retracted' });
  await env.BUNDLES.put(`signatures/${bundle}.json`, '{}');
  const blob = await sha256Hex(tinyModel('fashion'));
  expect((await call('DELETE', '/v1/bundles/retracted/versions/1', { key })).status).toBe(204);
  const deleted = await collect({ dryRun: false, graceHours: 0 });
  expect(idsOf(deleted, 'manifest')).toEqual([bundle]);
  expect(idsOf(deleted, 'blob')).toEqual([blob]);
  for (const gone of [`manifests/${bundle}.json`, `signatures/${bundle}.json`, `blobs/${blob}`]) {
    expect(await isStored(gone)).toBe(false);
  }
});

test('what lies in the bucket without a word in the database goes too', async () => {
  const left = 'e'.repeat(64);
  for (const key of [`blobs/${left}`, `manifests/${left}.json`, 'uploads/0123456789abcdef/1', 'notes.txt']) {
    await env.BUNDLES.put(key, 'left by a request that died');
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  const deleted = await collect({ dryRun: false, graceHours: 0 });
  expect(deleted.map(({ kind, id }) => [kind, id])).toEqual([
    ['blob', left],
    ['manifest', left],
    ['upload', 'uploads/0123456789abcdef/1'],
  ]);
  // It has no business with keys of another form.
  expect(await isStored('notes.txt')).toBe(true);
});

describe('a bundle published before the database kept its files', () => {
  async function publishedBefore(name: string): Promise<string> {
    const id = await publish(stores, ['digit'], { name });
    await stores.db.run(sql`DELETE FROM bundle_files WHERE bundle = ${id}`);
    await stores.db.run(sql`DELETE FROM blob_owners WHERE sha256 = ${await sha256Hex(tinyModel('digit'))}`);
    return id;
  }

  test('is read, and keeps them', async () => {
    await publishedBefore('old');
    const file = await sha256Hex(tinyModel('digit'));
    expect(idsOf(await collect({ dryRun: false, graceHours: 0 }), 'blob')).not.toContain(file);
    expect(await isStored(`blobs/${file}`)).toBe(true);
    expect((await call('HEAD', `/v1/blobs/${file}`, { key })).status).toBe(200);
  });

  test('stops every collection while it cannot be read', async () => {
    const id = await publishedBefore('unreadable');
    const manifest = bytesOf(JSON.stringify(await manifestOf(['digit'], { name: 'unreadable' })));
    await env.BUNDLES.delete(`manifests/${id}.json`);
    const loose = await put(stores, bytesOf('loose'));
    expect(await answer('POST', '/v1/gc', { key: bootstrap, json: {} })).toEqual([
      409,
      refusal(
        'conflict',
        /^Cannot collect garbage: the manifest of bundle \w{64} cannot be read, so what it refers to/,
      ),
    ]);
    // Not even from the middle.
    const json = { dryRun: false, graceHours: 0, cursor: 'blobs:' };
    const [, reply] = await answer('POST', '/v1/gc', { key: bootstrap, json });
    expect(gcReply.parse(reply).deleted).toEqual([]);
    expect(await isStored(`blobs/${loose}`)).toBe(true);
    await env.BUNDLES.put(`manifests/${id}.json`, manifest);
  });
});

test('an admin of one project leaves alone what another one has', async () => {
  const other = { actor: 'other', project: 'rival', at: '2026-01-02T03:04:05.000Z' };
  const theirs = await sha256Hex('theirs');
  await stores.db.run(
    sql`INSERT INTO blobs (sha256, size_bytes, generation, touched_at) VALUES (${theirs}, 6, 'g', ${other.at})`,
  );
  await stores.db.run(sql`INSERT INTO blob_owners (project, sha256) VALUES ('rival', ${theirs})`);
  expect(idsOf(await collect({ graceHours: 0 }, admin), 'blob')).toEqual([]);
  expect(idsOf(await collect({ graceHours: 0 }), 'blob')).toEqual([theirs]);
});

test('a deletion that died on the way is done again, and nobody writes the key before', async () => {
  const content = bytesOf('half deleted');
  const sha256 = await put(stores, content);
  const failing = { BUNDLES: broken(env.BUNDLES, 'delete') };
  const json = { dryRun: false, graceHours: 0, cursor: 'blobs:' };
  expect((await call('POST', '/v1/gc', { key: bootstrap, json, bindings: failing })).status).toBe(503);
  expect(await answer('PUT', `/v1/blobs/${sha256}`, { key, body: content })).toEqual([
    503,
    refusal('unavailable', /the same content is being deleted now; send it again in 5 minutes\.$/),
  ]);
  await stores.db.run(sql`UPDATE condemned SET at = '2026-01-01T00:00:00.000Z'`);
  await collect({ dryRun: false, graceHours: 0 });
  expect(await isStored(`blobs/${sha256}`)).toBe(false);
  expect((await call('PUT', `/v1/blobs/${sha256}`, { key, body: content })).status).toBe(201);
});

test('a cursor of no reply is refused', async () => {
  expect(await answer('POST', '/v1/gc', { key: admin, json: { cursor: 'everything:' } })).toEqual([
    400,
    refusal('invalid', 'Cannot go on from cursor "everything:": it is none of a reply.'),
  ]);
});

test('the schedule deletes uploads that waited too long, and lets those that go on be', async () => {
  const start = async (text: string): Promise<string> => {
    const json = { sha256: await sha256Hex(text), sizeBytes: bytesOf(text).length };
    const response = await call('POST', '/v1/uploads', { key, json });
    const { id } = await response.json<{ id: string }>();
    await call('PUT', `/v1/uploads/${id}/parts/1`, { key, body: text });
    return id;
  };
  const slow = await start('slow');
  const quick = await start('quick');
  const later = new Date(Date.now() + 25 * 3_600_000);
  await stores.db.run(
    sql`UPDATE uploads SET expires_at = ${new Date(later.getTime() + 1).toISOString()} WHERE id = ${quick}`,
  );
  await runSchedule(bindings, later);
  expect((await call('GET', `/v1/uploads/${slow}`, { key })).status).toBe(404);
  expect((await env.BUNDLES.list({ prefix: `uploads/${slow}` })).objects).toEqual([]);
  expect((await call('POST', `/v1/uploads/${quick}/commit`, { key })).status).toBe(200);
});
