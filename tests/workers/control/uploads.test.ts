import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { partView, uploadView, type UploadView } from '../../../shared/uploads.ts';
import { broken, bytesOf, freshStores } from '../fixtures.ts';
import { answer, bootstrap, call, makeKey, refusal } from './client.ts';

/** Parts of four bytes. */
const bindings = { UPLOAD_PART_BYTES: '4' };
let key: string;
beforeAll(async () => {
  await freshStores();
  ({ key } = await makeKey('read', 'write'));
});

type Open = Extract<UploadView, { state: 'open' }>;

async function open(text: string, by = key): Promise<UploadView> {
  const json = { sha256: await sha256Hex(text), sizeBytes: bytesOf(text).length };
  const response = await call('POST', '/v1/uploads', { key: by, json, bindings });
  return uploadView.parse(await response.json());
}
async function opened(text: string, by = key): Promise<Open> {
  const upload = await open(text, by);
  if (upload.state !== 'open') throw new Error('it is stored');
  return upload;
}
const put = (upload: Open, part: number, body: string, by = key) =>
  answer('PUT', `/v1/uploads/${upload.id}/parts/${part}`, { key: by, body, bindings });
const commit = (upload: Open, by = key) =>
  answer('POST', `/v1/uploads/${upload.id}/commit`, { key: by, bindings });
const parts = (text: string): string[] => text.match(/.{1,4}/gs) ?? [];

async function send(text: string, by = key): Promise<Open> {
  const upload = await opened(text, by);
  for (const [i, part] of parts(text).entries()) await put(upload, i + 1, part, by);
  return upload;
}

describe('/v1/uploads', () => {
  test('a file goes in by parts, in any order, and comes out whole', async () => {
    const text = 'once upon a time';
    const upload = await opened(text);
    expect(upload).toMatchObject({ sizeBytes: 16, partBytes: 4, parts: 4, received: [] });
    for (const part of [3, 1, 4, 2]) {
      const [status, body] = await put(upload, part, parts(text)[part - 1] ?? '');
      expect([status, partView.parse(body).sizeBytes]).toEqual([200, 4]);
    }
    const stored = { state: 'stored', sha256: upload.sha256, sizeBytes: 16 };
    expect(await commit(upload)).toEqual([200, stored]);
    expect(await commit(upload)).toEqual([200, stored]);
    expect(await open(text)).toEqual(stored);
    expect(await (await call('GET', `/v1/blobs/${upload.sha256}`, { key })).text()).toBe(text);
    expect((await env.BUNDLES.list({ prefix: `uploads/${upload.id}` })).objects).toEqual([]);
  });

  test('a client that comes back gets the same upload, with what is there', async () => {
    const text = 'interrupted';
    const first = await opened(text);
    await put(first, 2, 'rrup');
    const again = await opened(text);
    expect(again).toEqual({ ...first, received: [2], expiresAt: again.expiresAt });
    expect(again.expiresAt > first.expiresAt).toBe(true);
    expect(await answer('GET', `/v1/uploads/${first.id}`, { key, bindings })).toEqual([200, again]);
    await put(first, 1, 'inte');
    expect(await commit(first)).toEqual([
      409,
      refusal('conflict', `Cannot commit upload ${first.id}: 1 of its 3 parts are missing: 3.`),
    ]);
    await put(first, 3, 'ted');
    expect((await commit(first))[0]).toBe(200);
  });

  test('an empty file needs no part', async () => {
    const upload = await opened('');
    expect(upload.parts).toBe(0);
    expect((await commit(upload))[0]).toBe(200);
    expect((await call('HEAD', `/v1/blobs/${upload.sha256}`, { key })).headers.get('Content-Length')).toBe(
      '0',
    );
  });

  test('a whole of another digest is refused, and all parts can be sent again', async () => {
    const upload = await opened('right or wrong');
    for (const [i, part] of parts('right or WRONG').entries()) await put(upload, i + 1, part);
    expect(await commit(upload)).toEqual([
      422,
      refusal('unprocessable', /the SHA-256 of the content sent is another one\.$/),
    ]);
    expect((await call('HEAD', `/v1/blobs/${upload.sha256}`, { key })).status).toBe(404);
    expect(await opened('right or wrong')).toMatchObject({ id: upload.id, received: [] });
    await send('right or wrong');
    expect((await commit(upload))[0]).toBe(200);
  });

  test('parts of another number or size are refused', async () => {
    const upload = await opened('123456789');
    const start = (part: number) => `Cannot store part ${part} of upload ${upload.id}: `;
    expect(await put(upload, 1, '123')).toEqual([
      400,
      refusal('invalid', `${start(1)}it has 3 bytes, it must have 4.`),
    ]);
    expect(await put(upload, 3, '6789')).toEqual([
      400,
      refusal('invalid', `${start(3)}it has 4 bytes, it must have 1.`),
    ]);
    expect(await put(upload, 4, '1')).toEqual([
      400,
      refusal('invalid', `${start(4)}it has the parts 1 to 3.`),
    ]);
    const path = `/v1/uploads/${upload.id}/parts/1`;
    expect((await call('PUT', path, { key, bindings })).status).toBe(411);
    expect((await call('PUT', `/v1/uploads/${upload.id}/parts/0`, { key, body: 'x', bindings })).status).toBe(
      400,
    );
    expect(await answer('POST', '/v1/uploads', { key, json: { sha256: 'x', sizeBytes: -1 } })).toMatchObject([
      400,
      { error: { code: 'invalid' } },
    ]);
  });

  test('an upload given up is gone with its parts', async () => {
    const upload = await send('given up');
    expect((await call('DELETE', `/v1/uploads/${upload.id}`, { key })).status).toBe(204);
    expect((await env.BUNDLES.list({ prefix: `uploads/${upload.id}` })).objects).toEqual([]);
    expect(await commit(upload)).toMatchObject([404, { error: { code: 'not-found' } }]);
    expect(await put(upload, 1, 'give')).toMatchObject([404, { error: { code: 'not-found' } }]);
    expect((await opened('given up')).id).not.toBe(upload.id);
  });

  test('a failing storage is told, and the same request again goes on', async () => {
    const upload = await opened('storm');
    const path = `/v1/uploads/${upload.id}/parts/1`;
    const failing = { ...bindings, BUNDLES: broken(env.BUNDLES, 'put') };
    expect(await answer('PUT', path, { key, body: 'stor', bindings: failing })).toMatchObject([
      503,
      { error: { code: 'unavailable' } },
    ]);
    await send('storm');
    expect((await call('POST', `/v1/uploads/${upload.id}/commit`, { key, bindings: failing })).status).toBe(
      503,
    );
    expect((await commit(upload))[0]).toBe(200);
  });
});

describe('projects', () => {
  const keyOf = async (project: string): Promise<string> => {
    const json = { name: project, project, scopes: ['read', 'write', 'runner'] };
    const response = await call('POST', '/v1/keys', { key: bootstrap, json });
    return (await response.json<{ key: string }>()).key;
  };

  test('a digest alone gets nobody at the content of another project', async () => {
    const text = 'a secret of the default project';
    const upload = await send(text);
    await commit(upload);
    const other = await keyOf('rival');
    expect((await call('GET', `/v1/blobs/${upload.sha256}`, { key: other })).status).toBe(404);
    expect((await call('HEAD', `/v1/blobs/${upload.sha256}`, { key: other })).status).toBe(404);
    // Nor does an upload of something else under the digest, of the same size.
    const guess = await opened(text, other);
    expect(guess.received).toEqual([]);
    for (const [i, part] of parts('x'.repeat(text.length)).entries()) await put(guess, i + 1, part, other);
    expect((await commit(guess, other))[0]).toBe(422);
    const direct = await answer('PUT', `/v1/blobs/${upload.sha256}`, { key: other, body: 'x' });
    expect(direct).toMatchObject([422, { error: { code: 'unprocessable' } }]);
    expect((await call('GET', `/v1/blobs/${upload.sha256}`, { key: other })).status).toBe(404);
    // Who has the content may have it here too; it is stored once.
    await send(text, other);
    expect((await commit(guess, other))[0]).toBe(200);
    expect(await (await call('GET', `/v1/blobs/${upload.sha256}`, { key: other })).text()).toBe(text);
  });

  test('an upload is seen in its project only', async () => {
    const upload = await opened('ours alone');
    const other = await keyOf('stranger');
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/commit'],
      ['DELETE', ''],
    ] as const) {
      expect((await call(method, `/v1/uploads/${upload.id}${path}`, { key: other })).status).toBe(404);
    }
    expect((await put(upload, 1, 'ours', other))[0]).toBe(404);
  });

  test('a runner may put a blob into the bucket itself, and then commits without parts', async () => {
    const runner = await keyOf('default');
    const text = 'straight into the bucket';
    const upload = await opened(text, runner);
    await env.BUNDLES.put(`blobs/${upload.sha256}`, text);
    const writer = await opened(text);
    expect((await commit(writer))[0]).toBe(409);
    expect((await commit(upload, runner))[0]).toBe(200);
    const wrong = await opened('what was announced', runner);
    await env.BUNDLES.put(`blobs/${wrong.sha256}`, 'what is there now.');
    expect((await commit(wrong, runner))[0]).toBe(422);
    await env.BUNDLES.delete(`blobs/${wrong.sha256}`);
  });
});
