import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  auditList,
  bundleView,
  createdKey,
  endpointDetail,
  endpointList,
  endpointView,
  keyList,
} from '../../../shared/api.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import { hashKey } from '../../../shared/keys.ts';
import { itemList } from '../../../shared/registry.ts';
import { readKeyGrant, readRouting } from '../../../workers/store/published.ts';
import { broken, bytesOf, freshStores, image, manifestOf, tinyModel } from '../fixtures.ts';
import { answer, bootstrap, call, makeKey, refusal } from './client.ts';

let key: string;
beforeAll(async () => {
  await freshStores();
  ({ key } = await makeKey('read', 'write'));
});

async function upload(content: Uint8Array<ArrayBuffer>): Promise<Response> {
  return call('PUT', `/v1/blobs/${await sha256Hex(content)}`, { key, body: content });
}

/** Uploads and publishes over HTTP; returns the bundle's id. */
async function publish(task: string, name: string, input = image): Promise<string> {
  await upload(tinyModel(task));
  const response = await call('POST', '/v1/bundles', {
    key,
    json: await manifestOf([task], { name, input }),
  });
  return bundleView.parse(await response.json()).id;
}

describe('/v1/keys', () => {
  test('POST shows the key once, and lists never do', async () => {
    const response = await call('POST', '/v1/keys', {
      key: bootstrap,
      json: { name: 'ci', scopes: ['read'], expiresInDays: 7 },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const made = createdKey.parse(await response.json());
    expect(Date.parse(made.expiresAt ?? '') - Date.parse(made.createdAt)).toBe(7 * 86_400_000);
    const list = await (await call('GET', '/v1/keys', { key: bootstrap })).text();
    expect(list).toContain(made.id);
    expect(list).not.toContain(made.key.slice(-64));
    expect(list).not.toContain(await hashKey(made.key));
  });

  test('DELETE ends the key at once, for this Worker and for the edge', async () => {
    const made = await makeKey('read', 'infer');
    const hash = await hashKey(made.key);
    expect((await call('GET', '/v1/bundles', { key: made.key })).status).toBe(200);
    expect(await readKeyGrant(env.ROUTING, hash)).toEqual({
      id: made.id,
      project: 'default',
      scopes: ['read', 'infer'],
    });
    expect(await answer('DELETE', `/v1/keys/${made.id}`, { key: bootstrap })).toEqual([204, null]);
    expect(await answer('GET', '/v1/bundles', { key: made.key })).toEqual([
      401,
      refusal('unauthenticated', /was revoked at/),
    ]);
    expect(await readKeyGrant(env.ROUTING, hash)).toBeNull();
    expect((await call('DELETE', `/v1/keys/${made.id}`, { key: bootstrap })).status).toBe(204);
    const { keys } = keyList.parse((await answer('GET', '/v1/keys', { key: bootstrap }))[1]);
    expect(keys.find(({ id }) => id === made.id)?.revokedAt).not.toBeNull();
  });

  test('DELETE of an unknown key is 404', async () => {
    expect(await answer('DELETE', '/v1/keys/nobody', { key: bootstrap })).toEqual([
      404,
      refusal('not-found', 'Cannot revoke key "nobody": there is none.'),
    ]);
  });

  test('POST says what is wrong with its body', async () => {
    const post = (options: object) => answer('POST', '/v1/keys', { key: bootstrap, ...options });
    expect(await post({ body: 'name=ci' })).toEqual([
      400,
      refusal('invalid', 'Cannot POST /v1/keys: the body is not JSON.'),
    ]);
    expect(await post({ json: { name: 'ci', scopes: ['root'] } })).toEqual([
      400,
      refusal('invalid', /^Cannot POST \/v1\/keys: the body is wrong: scopes\[0\]: /),
    ]);
    expect(await post({ json: { name: 'x'.repeat(5000), scopes: ['read'] } })).toEqual([
      413,
      refusal('too-large', 'Cannot POST /v1/keys: the body is larger than 4096 bytes.'),
    ]);
  });

  test('a list refuses a cursor that is not a number', async () => {
    expect(await answer('GET', '/v1/keys?cursor=x', { key: bootstrap })).toEqual([
      400,
      refusal('invalid', 'Cannot list from cursor "x": it is not a number.'),
    ]);
  });
});

describe('/v1/blobs', () => {
  test('PUT stores once, HEAD tells the size', async () => {
    const content = bytesOf('weights');
    const sha256 = await sha256Hex(content);
    expect((await call('HEAD', `/v1/blobs/${sha256}`, { key })).status).toBe(404);
    const first = await upload(content);
    expect([first.status, await first.json()]).toEqual([201, { sha256, sizeBytes: 7 }]);
    const second = await upload(content);
    expect([second.status, await second.json()]).toEqual([200, { sha256, sizeBytes: 7 }]);
    const head = await call('HEAD', `/v1/blobs/${sha256}`, { key });
    expect([head.status, head.headers.get('Content-Length')]).toEqual([200, '7']);
  });

  test('PUT stores the empty blob', async () => {
    const sha256 = await sha256Hex('');
    expect(await answer('PUT', `/v1/blobs/${sha256}`, { key, headers: { 'Content-Length': '0' } })).toEqual([
      201,
      { sha256, sizeBytes: 0 },
    ]);
  });

  test('PUT refuses content of another digest', async () => {
    const sha256 = await sha256Hex('announced');
    expect(await answer('PUT', `/v1/blobs/${sha256}`, { key, body: 'different' })).toEqual([
      422,
      refusal(
        'unprocessable',
        `Cannot store blob ${sha256}: the SHA-256 of the content sent is another one.`,
      ),
    ]);
    expect((await call('HEAD', `/v1/blobs/${sha256}`, { key })).status).toBe(404);
  });

  test('PUT refuses too many bytes, an unknown length and what is not a digest', async () => {
    const sha256 = await sha256Hex('0123456789');
    const path = `/v1/blobs/${sha256}`;
    expect(await answer('PUT', path, { key, body: '0123456789', bindings: { MAX_BLOB_BYTES: '9' } })).toEqual(
      [413, refusal('too-large', `Cannot store blob ${sha256}: it has 10 bytes, the limit is 9.`)],
    );
    expect(await answer('PUT', path, { key })).toEqual([
      411,
      refusal('length-required', `Cannot store blob ${sha256}: send its Content-Length.`),
    ]);
    expect(await answer('PUT', '/v1/blobs/weights.bin', { key, body: 'x' })).toEqual([
      400,
      refusal(
        'invalid',
        'Cannot PUT /v1/blobs/weights.bin: the digest is wrong: must be a SHA-256 digest in lower-case hex.',
      ),
    ]);
  });

  test('GET answers the whole, or the range asked for', async () => {
    const sha256 = await sha256Hex('0123456789');
    const path = `/v1/blobs/${sha256}`;
    expect((await call('GET', path, { key })).status).toBe(404);
    await upload(bytesOf('0123456789'));
    const whole = await call('GET', path, { key });
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
    expect(whole.headers.get('ETag')).toBe(`"${sha256}"`);
    const ranged = async (range: string) => {
      const response = await call('GET', path, { key, headers: { Range: range } });
      return [response.status, response.headers.get('Content-Range'), await response.text()];
    };
    expect(await ranged('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await ranged('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await ranged('bytes=-1')).toEqual([206, 'bytes 9-9/10', '9']);
    expect(await ranged('bytes=10-')).toEqual([416, 'bytes */10', '']);
  });
});

describe('/v1/bundles', () => {
  test('POST publishes once; lists and GET show it', async () => {
    await upload(tinyModel('digit'));
    const json = await manifestOf(['digit'], { name: 'shown' });
    const first = await call('POST', '/v1/bundles', { key, json });
    expect(first.status).toBe(201);
    const bundle = bundleView.parse(await first.json());
    expect(bundle).toMatchObject({
      id: await sha256Hex(JSON.stringify(json)),
      name: 'shown',
      tasks: ['digit'],
    });
    expect(await answer('POST', '/v1/bundles', { key, json })).toEqual([200, bundle]);

    const { items } = itemList.parse((await answer('GET', '/v1/bundles', { key }))[1]);
    expect(items).toContainEqual(expect.objectContaining({ name: 'shown', latest: 1 }));
    const manifest = await call('GET', `/v1/bundles/${bundle.id}`, { key });
    expect(manifest.headers.get('Content-Type')).toBe('application/json');
    expect(await sha256Hex(await manifest.text())).toBe(bundle.id);
  });

  test('POST says what is wrong with a manifest, a file or a graph', async () => {
    const post = (options: object) => answer('POST', '/v1/bundles', { key, ...options });
    expect(await post({ body: '{' })).toEqual([400, refusal('invalid', /not JSON in UTF-8/)]);
    expect(await post({ json: { format: 'trunkline.bundle/1' } })).toEqual([
      422,
      refusal('unprocessable', /^Cannot publish the bundle: name: .*and \d+ more\.$/),
    ]);
    expect(await post({ json: await manifestOf(['nowhere'], { name: 'gap' }) })).toEqual([
      422,
      refusal('unprocessable', /file "nowhere.onnx" is not stored: blob [0-9a-f]{64} is missing\.$/),
    ]);
    const text = bytesOf('this is not an ONNX file');
    await upload(text);
    const files = [{ path: 'digit.onnx', sha256: await sha256Hex(text), sizeBytes: text.length }];
    expect(await post({ json: { ...(await manifestOf(['digit'], { name: 'text' })), files } })).toEqual([
      422,
      refusal(
        'unprocessable',
        /^Cannot publish bundle "text": file "digit.onnx" is not an ONNX model: it has/,
      ),
    ]);
    expect(await post({ body: ' '.repeat(11), bindings: { MAX_MANIFEST_BYTES: '10' } })).toEqual([
      413,
      refusal('too-large', 'Cannot POST /v1/bundles: the body is larger than 10 bytes.'),
    ]);
  });

  test('GET of an unknown bundle or name is 404', async () => {
    const unknown = 'e'.repeat(64);
    expect(await answer('GET', `/v1/bundles/${unknown}`, { key })).toEqual([
      404,
      refusal('not-found', `There is no bundle ${unknown}.`),
    ]);
    expect(await answer('GET', '/v1/bundles/nobody', { key })).toEqual([
      404,
      refusal('not-found', 'There is no bundle "nobody".'),
    ]);
  });
});

describe('/v1/endpoints', () => {
  test('PUT makes and changes an endpoint; GET shows it with its history', async () => {
    const digit = await publish('digit', 'one');
    const fashion = await publish('fashion', 'two');
    const first = await call('PUT', '/v1/endpoints/vision', { key, json: { tasks: { digit } } });
    expect([first.status, first.headers.get('ETag')]).toEqual([201, '"1"']);
    expect(endpointView.parse(await first.json())).toMatchObject({
      name: 'vision',
      revision: 1,
      tasks: { digit },
    });
    const second = await call('PUT', '/v1/endpoints/vision', { key, json: { tasks: { digit, fashion } } });
    expect([second.status, second.headers.get('ETag')]).toEqual([200, '"2"']);

    const shown = await call('GET', '/v1/endpoints/vision', { key });
    expect(shown.headers.get('ETag')).toBe('"2"');
    const detail = endpointDetail.parse(await shown.json());
    expect(detail).toMatchObject({ name: 'vision', revision: 2, tasks: { digit, fashion }, next: null });
    expect(detail.history.map(({ revision, tasks }) => [revision, tasks])).toEqual([
      [2, { digit, fashion }],
      [1, { digit }],
    ]);
    const { endpoints } = endpointList.parse((await answer('GET', '/v1/endpoints', { key }))[1]);
    expect(endpoints).toMatchObject([{ name: 'vision', revision: 2 }]);
    expect(await readRouting(env.ROUTING, 'vision')).toEqual({
      endpoint: 'vision',
      project: 'default',
      revision: 2,
      tasks: { digit: { bundle: digit }, fashion: { bundle: fashion } },
      experiments: [],
    });
  });

  test('If-Match makes concurrent edits safe', async () => {
    const digit = await publish('digit', 'three');
    const other = await publish('digit', 'four');
    const set = (bundle: string, ifMatch: string) =>
      call('PUT', '/v1/endpoints/safe', {
        key,
        json: { tasks: { digit: bundle } },
        headers: { 'If-Match': ifMatch },
      });
    expect((await set(digit, '"0"')).status).toBe(201);
    const late = await set(other, '"0"');
    expect([late.status, await late.json()]).toEqual([
      409,
      refusal('conflict', 'Cannot set endpoint "safe": it is at revision 1, the change was made from 0.'),
    ]);
    expect((await set(other, '"1"')).headers.get('ETag')).toBe('"2"');
    expect((await set(digit, '*')).headers.get('ETag')).toBe('"3"');
    expect((await set(digit, 'two')).status).toBe(400);
  });

  test('PUT refuses what cannot be served, and serves on what it served', async () => {
    const digit = await publish('digit', 'five');
    const wide = await publish('fashion', 'six', { ...image, dims: [-1, 3, 32, 32] });
    const put = (json: unknown) => answer('PUT', '/v1/endpoints/strict', { key, json });
    expect((await put({ tasks: { digit } }))[0]).toBe(201);
    const before = await readRouting(env.ROUTING, 'strict');
    expect(await put({ tasks: { digit: 'e'.repeat(64) } })).toEqual([
      422,
      refusal('unprocessable', /is not published/),
    ]);
    expect(await put({ tasks: { fashion: digit } })).toEqual([
      422,
      refusal('unprocessable', /has no head "fashion"/),
    ]);
    expect(await put({ tasks: { digit, fashion: wide } })).toEqual([
      422,
      refusal('unprocessable', /input "image" is float32 \[-1, 1, 28, 28\] for task "digit" and/),
    ]);
    expect(await put({ tasks: {} })).toEqual([400, refusal('invalid', /must name at least one task/)]);
    expect(await put({ tasks: { digit: 'latest' } })).toEqual([
      400,
      refusal('invalid', /tasks\.digit: must be a SHA-256/),
    ]);
    expect(await readRouting(env.ROUTING, 'strict')).toEqual(before);
  });

  test('names must fit into an address', async () => {
    const response = await call('PUT', '/v1/endpoints/My%20Vision', { key, json: { tasks: {} } });
    expect(response.status).toBe(400);
  });

  test('when KV fails the client is told, the old routing stays, and the same request heals it', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const digit = await publish('digit', 'seven');
    const other = await publish('digit', 'eight');
    const put = (bundle: string, bindings = {}) =>
      answer('PUT', '/v1/endpoints/outage', { key, json: { tasks: { digit: bundle } }, bindings });
    await put(digit);
    expect(await put(other, { ROUTING: broken(env.ROUTING, 'put') })).toEqual([
      503,
      refusal('unavailable', /^Cannot write the routing of endpoint "outage": the storage failed\./),
    ]);
    expect((await readRouting(env.ROUTING, 'outage'))?.revision).toBe(1);
    expect((await put(other))[0]).toBe(200);
    expect((await readRouting(env.ROUTING, 'outage'))?.revision).toBe(2);
    expect(log).toHaveBeenCalledOnce();
    log.mockRestore();
  });

  test('GET of an unknown endpoint is 404', async () => {
    expect(await answer('GET', '/v1/endpoints/none', { key })).toEqual([
      404,
      refusal('not-found', 'There is no endpoint "none".'),
    ]);
  });
});

test('/v1/audit tells who changed what, newest first', async () => {
  const made = await makeKey('read');
  await call('DELETE', `/v1/keys/${made.id}`, { key: bootstrap });
  const { entries } = auditList.parse((await answer('GET', '/v1/audit', { key: bootstrap }))[1]);
  expect(entries.slice(0, 2)).toMatchObject([
    { actor: 'bootstrap', action: 'key.revoke', subject: made.id },
    {
      actor: 'bootstrap',
      action: 'key.create',
      subject: made.id,
      detail: { name: 'read', scopes: ['read'] },
    },
  ]);
});
