import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { auditList } from '../../../shared/api.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import type { Inspection } from '../../../shared/inspection.ts';
import {
  aliasHistory,
  itemList,
  itemView,
  lineageView,
  registeredVersion,
  versionList,
  versionView,
  type ModelDocument,
} from '../../../shared/registry.ts';
import { inspectionStatement } from '../../../workers/store/inspections.ts';
import { openDatabase } from '../../../workers/store/database.ts';
import { bytesOf, freshStores, manifestOf, tinyModel } from '../fixtures.ts';
import { answer, bootstrap, call, makeKey, refusal } from './client.ts';

let key: string;
beforeAll(async () => {
  await freshStores();
  ({ key } = await makeKey('read', 'write'));
});

async function upload(content: Uint8Array<ArrayBuffer>, by = key) {
  const sha256 = await sha256Hex(content);
  await call('PUT', `/v1/blobs/${sha256}`, { key: by, body: content });
  return { sha256, sizeBytes: content.length };
}

/** Uploads a tiny model whose graph has this name; answers its document. */
async function modelOf(graph: string, by = key): Promise<ModelDocument> {
  const file = { path: 'net.onnx', ...(await upload(tinyModel(graph), by)) };
  return { format: 'trunkline.model/1', task: 'digit', files: [file], labels: ['zero', 'one'] };
}

const register = (path: string, json: unknown, by = key) =>
  answer('POST', `/v1/${path}/versions`, { key: by, json });
const get = async (path: string, by = key): Promise<unknown> => {
  const [status, body] = await answer('GET', `/v1/${path}`, { key: by });
  expect(status).toBe(200);
  return body;
};

describe('versions', () => {
  test('are numbered, and the same document is the same version', async () => {
    const first = await modelOf('a');
    const second = await modelOf('b');
    const digest = await sha256Hex(canonicalJson(first));
    expect(await register('models/digit', first)).toEqual([201, { name: 'digit', version: 1, digest }]);
    expect(await register('models/digit', second)).toMatchObject([201, { version: 2 }]);
    const reordered = Object.fromEntries(Object.entries(first).reverse());
    expect(await register('models/digit', reordered)).toEqual([200, { name: 'digit', version: 1, digest }]);
    const { versions, next } = versionList.parse(await get('models/digit/versions'));
    expect(versions.map(({ version }) => version)).toEqual([2, 1]);
    expect(next).toBeNull();
    for (const ref of ['1', '2', 'latest']) {
      const view = versionView.parse(await get(`models/digit/versions/${ref}`));
      expect(view.version).toBe(ref === '1' ? 1 : 2);
      expect(view.document).toEqual(ref === '1' ? first : second);
    }
  });

  test('are numbered without a gap when many come at once, and once when they are the same', async () => {
    const documents = await Promise.all(['p', 'q', 'r', 's', 't'].map((graph) => modelOf(graph)));
    const replies = await Promise.all(
      [...documents, ...documents].map((document) => register('models/crowd', document)),
    );
    expect(replies.map(([status]) => status).sort()).toEqual([
      ...[200, 200, 200, 200, 200],
      ...[201, 201, 201, 201, 201],
    ]);
    const { versions } = versionList.parse(await get('models/crowd/versions'));
    expect(versions.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
    const told = replies.map(([, body]) => registeredVersion.parse(body));
    for (const { version, digest } of versions) {
      expect(told.filter((one) => one.digest === digest).map((one) => one.version)).toEqual([
        version,
        version,
      ]);
    }
  });

  test('say what is wrong with a document', async () => {
    const document = await modelOf('c');
    const [file] = document.files;
    if (file === undefined) throw new Error('the model has no file');
    expect(await register('models/wrong', { ...document, files: [] })).toMatchObject([
      400,
      { error: { code: 'invalid' } },
    ]);
    const missing = { ...file, sha256: 'f'.repeat(64) };
    expect(await register('models/wrong', { ...document, files: [missing] })).toEqual([
      422,
      refusal(
        'unprocessable',
        `Cannot register model "wrong": file "net.onnx" is not uploaded: blob ${missing.sha256} is missing.`,
      ),
    ]);
    expect(await register('models/wrong', { ...document, files: [{ ...file, sizeBytes: 3 }] })).toEqual([
      422,
      refusal('unprocessable', /file "net.onnx" has \d+ bytes, the document says 3\.$/),
    ]);
    const page = { path: 'net.onnx', ...(await upload(bytesOf('<!doctype html>'))) };
    expect(await register('models/wrong', { ...document, files: [page] })).toEqual([
      422,
      refusal('unprocessable', /^Cannot register model "wrong": file "net.onnx" is not an ONNX model: it /),
    ]);
    expect(await register('bundles/wrong', { bundle: 'f'.repeat(64) })).toEqual([
      422,
      refusal('unprocessable', `Cannot register bundle "wrong": bundle ${'f'.repeat(64)} is not published.`),
    ]);
    expect(await answer('GET', '/v1/models/wrong', { key })).toEqual([
      404,
      refusal('not-found', 'There is no model "wrong".'),
    ]);
  });

  test('of data sets keep how their files are read', async () => {
    const file = { path: 'train.npz', ...(await upload(bytesOf('an archive'))) };
    const document = {
      format: 'trunkline.dataset/1',
      files: [file],
      source: { kind: 'npz', file: 'train.npz' },
      preprocessing: null,
      labels: ['zero', 'one'],
      split: { validation: 0.1 },
    };
    expect(await register('datasets/digits', document)).toMatchObject([201, { version: 1 }]);
    const view = versionView.parse(await get('datasets/digits/versions/1'));
    // The defaults are part of what the version is.
    expect(view.document).toEqual({
      ...document,
      source: { kind: 'npz', file: 'train.npz', x: 'x', y: 'y' },
      split: { validation: 0.1, seed: 1 },
      allowBad: 0.01,
    });
    expect(await register('datasets/digits', view.document)).toMatchObject([200, { version: 1 }]);
  });

  test('that are not there are told apart', async () => {
    await register('models/known', await modelOf('k'));
    const ask = (ref: string, name = 'known') => answer('GET', `/v1/models/${name}/versions/${ref}`, { key });
    expect(await ask('7')).toEqual([404, refusal('not-found', 'Model "known" has no version 7.')]);
    expect(await ask('best')).toEqual([404, refusal('not-found', 'Model "known" has no alias "best".')]);
    expect(await ask('1', 'unknown')).toEqual([404, refusal('not-found', 'There is no model "unknown".')]);
    expect(await ask('0')).toMatchObject([400, { error: { code: 'invalid' } }]);
  });

  test('show what a runner read of them, null until one has', async () => {
    await register('models/read', await modelOf('read'));
    expect(await get('models/read/versions/1/inspection')).toEqual({ inspection: null });
    const document: Inspection = {
      ...{ format: 'trunkline.inspection/1', kind: 'model', inputs: [], outputs: [], parameters: 12 },
      ...{ macs: null, operators: { Conv: 2 }, groups: [], problems: ['it is tiny'] },
    };
    const version = { project: 'default', kind: 'models' as const, name: 'read', version: 1 };
    const at = '2026-01-02T03:04:05.000Z';
    await inspectionStatement(openDatabase(env.DB), { ...version, at, document });
    expect(await get('models/read/versions/latest/inspection')).toEqual({ inspection: { at, document } });
  });
});

describe('deleting a version', () => {
  const remove = (path: string, by = key) => answer('DELETE', `/v1/${path}`, { key: by });
  /** Registering asks for an inspection, which holds the version; somebody cancels it. */
  const cancelJobs = async (): Promise<void> => {
    const { jobs } = (await get('jobs?state=queued')) as { jobs: { id: string }[] };
    for (const { id } of jobs) await call('POST', `/v1/jobs/${id}/cancel`, { key });
  };

  test('is refused with the reasons while something refers to it, and its number does not come back', async () => {
    await register('models/short', await modelOf('s1'));
    await call('PUT', '/v1/models/short/aliases/champion', { key, json: { version: 1 } });
    const [status, body] = await remove('models/short/versions/1');
    expect(status).toBe(409);
    expect(body).toEqual(
      refusal(
        'conflict',
        /^Cannot delete version 1 of model "short": alias "champion" points at it; job \w+ needs it\.$/,
      ),
    );
    await call('DELETE', '/v1/models/short/aliases/champion', { key });
    await cancelJobs();
    expect(await remove('models/short/versions/1')).toEqual([204, null]);
    expect((await remove('models/short/versions/1'))[0]).toBe(404);
    expect(itemView.parse(await get('models/short'))).toMatchObject({ latest: null, versions: 0 });
    expect(await register('models/short', await modelOf('s1'))).toMatchObject([201, { version: 2 }]);
  });

  test('of a bundle waits for the endpoint that serves it', async () => {
    await upload(tinyModel('served'));
    const json = await manifestOf(['served'], { name: 'served' });
    const { id } = await (await call('POST', '/v1/bundles', { key, json })).json<{ id: string }>();
    await call('PUT', '/v1/endpoints/serving', { key, json: { tasks: { served: id } } });
    expect(await remove('bundles/served/versions/1')).toEqual([
      409,
      refusal(
        'conflict',
        'Cannot delete version 1 of bundle "served": endpoint "serving" serves or compares it, or did (revision 1).',
      ),
    ]);
    // Under a second name it may lose the first.
    expect(await register('bundles/copy', { bundle: id })).toMatchObject([201, { version: 1, digest: id }]);
    expect(await remove('bundles/served/versions/1')).toEqual([204, null]);
    expect((await remove('bundles/copy/versions/1'))[0]).toBe(409);
    expect(await remove('endpoints/serving')).toEqual([204, null]);
    expect(await remove('bundles/copy/versions/1')).toEqual([204, null]);
    expect((await call('GET', `/v1/bundles/${id}`, { key })).status).toBe(404);
  });
});

describe('aliases', () => {
  const point = (alias: string, version: number) =>
    answer('PUT', `/v1/models/pointed/aliases/${alias}`, { key, json: { version } });

  test('point at versions, and remember where they pointed', async () => {
    for (const graph of ['x', 'y']) await register('models/pointed', await modelOf(graph));
    expect(await point('champion', 1)).toMatchObject([200, { alias: 'champion', version: 1 }]);
    expect(await point('champion', 2)).toMatchObject([200, { version: 2 }]);
    expect(await point('champion', 2)).toMatchObject([200, { version: 2 }]);
    const view = versionView.parse(await get('models/pointed/versions/champion'));
    expect([view.version, view.aliases]).toEqual([2, ['champion']]);
    expect(await answer('DELETE', '/v1/models/pointed/aliases/champion', { key })).toEqual([204, null]);
    const { history } = aliasHistory.parse(await get('models/pointed/aliases/champion/history'));
    expect(history.map(({ version }) => version)).toEqual([null, 2, 1]);
    expect((await answer('GET', '/v1/models/pointed/versions/champion', { key }))[0]).toBe(404);
  });

  test('refuse what is not there, and names that look like versions', async () => {
    expect(await point('champion', 9)).toEqual([
      404,
      refusal('not-found', 'Cannot set alias "champion": model "pointed" has no version 9.'),
    ]);
    expect((await point('9', 1))[0]).toBe(400);
    expect((await point('latest', 1))[0]).toBe(400);
    expect(await answer('DELETE', '/v1/models/pointed/aliases/nobody', { key })).toEqual([
      404,
      refusal('not-found', 'Cannot delete alias "nobody": model "pointed" has none of that name.'),
    ]);
  });
});

describe('items', () => {
  test('have tags and a card, whose every text the audit log keeps', async () => {
    await register('models/carded', await modelOf('carded'));
    const put = (what: string, json: unknown) => answer('PUT', `/v1/models/carded/${what}`, { key, json });
    expect(await put('tags', { tags: { team: 'vision', 'data.set': 'mnist' } })).toMatchObject([
      200,
      { tags: { team: 'vision' } },
    ]);
    await put('card', { card: '# Draft' });
    expect(await put('card', { card: '# A card' })).toMatchObject([200, { card: '# A card' }]);
    expect((await put('card', { card: 'x'.repeat(65_537) }))[0]).toBe(400);
    expect((await put('tags', { tags: { 'Not a name': '' } }))[0]).toBe(400);
    const { entries } = auditList.parse((await answer('GET', '/v1/audit', { key: bootstrap }))[1]);
    const cards = entries.filter(
      ({ action, subject }) => action === 'card.set' && subject === 'models/carded',
    );
    expect(cards.map(({ detail }) => detail)).toEqual([{ card: '# A card' }, { card: '# Draft' }]);
    expect(await answer('PUT', '/v1/models/nobody/card', { key, json: { card: '' } })).toEqual([
      404,
      refusal('not-found', 'There is no model "nobody".'),
    ]);
  });

  test('are listed by name, and found by what is in their name or tags', async () => {
    for (const name of ['zebra', 'zoo-100', 'zoo_1']) await register(`models/${name}`, await modelOf(name));
    await call('PUT', '/v1/models/zebra/tags', { key, json: { tags: { colour: 'zoo' } } });
    const named = async (q: string) =>
      itemList.parse(await get(`models?q=${encodeURIComponent(q)}`)).items.map(({ name }) => name);
    expect(await named('zoo')).toEqual(['zebra', 'zoo-100', 'zoo_1']);
    expect(await named('zoo_')).toEqual(['zoo_1']);
    expect(await named('%')).toEqual([]);
    expect(itemList.parse(await get('datasets?q=zoo')).items).toEqual([]);
    expect(itemList.parse(await get('models?cursor=zebra')).items.map(({ name }) => name)).toEqual([
      'zoo-100',
      'zoo_1',
    ]);
  });
});

test('lineage is told both ways, and what a manifest names beyond the registry', async () => {
  const document = await modelOf('parent');
  await register('models/parent', document);
  await upload(tinyModel('child'));
  const lineage = {
    models: [
      { task: 'child', name: 'parent', sha256: document.files[0]?.sha256 },
      { task: 'other', name: 'elsewhere', sha256: 'e'.repeat(64) },
    ],
    retrainingSteps: 3,
  };
  const json = { ...(await manifestOf(['child'], { name: 'merged' })), lineage };
  expect((await call('POST', '/v1/bundles', { key, json })).status).toBe(201);
  const child = lineageView.parse(await get('bundles/merged/versions/1/lineage'));
  expect(child.parents).toMatchObject([
    { kind: 'models', name: 'parent', version: 1, role: 'model', task: 'child' },
  ]);
  expect(child.unregistered).toEqual([lineage.models[1]]);
  const parent = lineageView.parse(await get('models/parent/versions/1/lineage'));
  expect(parent.children).toMatchObject([{ kind: 'bundles', name: 'merged', version: 1, role: 'model' }]);
  const refused = await answer('DELETE', '/v1/models/parent/versions/1', { key });
  expect(refused).toMatchObject([
    409,
    { error: { message: expect.stringContaining('bundles/merged@1 was made from it') as string } },
  ]);
});

test('a project sees and changes nothing of another one', async () => {
  const mine = await modelOf('mine');
  await register('models/mine', mine);
  const json = { name: 'rival', project: 'rival', scopes: ['read', 'write'] };
  const made = await call('POST', '/v1/keys', { key: bootstrap, json });
  const { key: other } = await made.json<{ key: string }>();
  expect(itemList.parse(await get('models', other)).items).toEqual([]);
  for (const path of ['', '/versions', '/versions/1', '/versions/1/lineage', '/versions/1/inspection']) {
    expect((await call('GET', `/v1/models/mine${path}`, { key: other })).status).toBe(404);
  }
  for (const [method, path, body] of [
    ['PUT', 'tags', { tags: {} }],
    ['PUT', 'card', { card: '' }],
    ['PUT', 'aliases/champion', { version: 1 }],
    ['DELETE', 'versions/1', undefined],
  ] as const) {
    const response = await call(method, `/v1/models/mine/${path}`, { key: other, json: body });
    expect([path, response.status]).toEqual([path, 404]);
  }
  // Not even by the digest of a file.
  expect((await register('models/mine', mine, other))[0]).toBe(422);
  const same = await modelOf('mine', other);
  expect(await register('models/mine', same, other)).toMatchObject([201, { version: 1 }]);
});
