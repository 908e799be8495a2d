import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { publishBundle } from '../../../workers/domain/publish-bundle.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { storeBlob } from '../../../workers/domain/store-blob.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { findBundle } from '../../../workers/store/bundles.ts';
import { findEndpoint, listRevisions } from '../../../workers/store/endpoints.ts';
import { blobSize, readManifest, readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { broken, by, bytesOf, freshStores, image, manifestOf, publish, put, tinyModel } from '../fixtures.ts';

let stores: Stores;
let digit: string;
let fashion: string;
beforeAll(async () => {
  stores = await freshStores();
  digit = await publish(stores, ['digit'], { name: 'digit-net' });
  fashion = await publish(stores, ['fashion'], { name: 'fashion-net' });
});

const later = { actor: 'somebody', at: '2026-02-02T02:02:02.000Z' };
const outage = { code: 'unavailable' };

describe('storeBlob()', () => {
  const upload = async (text: string) => {
    const bytes = bytesOf(text);
    return { sha256: await sha256Hex(bytes), sizeBytes: bytes.length, body: new Response(bytes).body };
  };

  test('stores once, and records who did', async () => {
    const first = await upload('a blob');
    expect(await storeBlob(stores, first, 100, by)).toEqual({ created: true, sizeBytes: 6 });
    expect(await storeBlob(stores, await upload('a blob'), 100, later)).toEqual({
      created: false,
      sizeBytes: 6,
    });
    const { rows } = await listAudit(stores.db);
    const entries = rows.filter((row) => row.subject === first.sha256);
    expect(entries).toMatchObject([{ ...by, action: 'blob.store', detail: { sizeBytes: 6 } }]);
  });

  test('refuses more bytes than allowed before it reads any', async () => {
    const large = await upload('0123456789');
    await expect(storeBlob(stores, large, 9, by)).rejects.toMatchObject({
      code: 'too-large',
      message: `Cannot store blob ${large.sha256}: it has 10 bytes, the limit is 9.`,
    });
    expect(large.body?.locked).toBe(false);
    expect(await blobSize(stores.bucket, large.sha256)).toBeNull();
  });

  test('records nothing when the storage fails', async () => {
    const blob = await upload('lost');
    const failing = { ...stores, bucket: broken(stores.bucket, 'put') };
    await expect(storeBlob(failing, blob, 100, by)).rejects.toMatchObject(outage);
    const { rows } = await listAudit(stores.db);
    expect(rows.filter((row) => row.subject === blob.sha256)).toEqual([]);
  });
});

describe('publishBundle()', () => {
  const bytesOfManifest = async (tasks: string[], name: string) =>
    bytesOf(JSON.stringify(await manifestOf(tasks, { name })));

  test('keeps the manifest byte for byte under its digest', async () => {
    await put(stores, tinyModel('digit'));
    const bytes = await bytesOfManifest(['digit'], 'kept');
    const { created, bundle } = await publishBundle(stores, bytes, by);
    expect(created).toBe(true);
    expect(bundle).toEqual({
      id: await sha256Hex(bytes),
      name: 'kept',
      tasks: ['digit'],
      inputs: [image],
      sizeBytes: tinyModel('digit').length,
      publishedAt: by.at,
    });
    expect(await readManifest(stores.bucket, bundle.id)).toEqual(bytes);
  });

  test('publishes the same bytes once', async () => {
    const bytes = await bytesOfManifest(['digit'], 'twice');
    const first = await publishBundle(stores, bytes, by);
    expect(await publishBundle(stores, bytes, later)).toEqual({ ...first, created: false });
  });

  test('publishes once when two ask at the same time', async () => {
    const bytes = await bytesOfManifest(['digit'], 'at-once');
    const both = await Promise.all([publishBundle(stores, bytes, by), publishBundle(stores, bytes, by)]);
    expect(both.map(({ created }) => created).sort()).toEqual([false, true]);
    expect(both[0].bundle).toEqual(both[1].bundle);
  });

  test('counts a file that lies in the bundle twice once', async () => {
    const bundle = await manifestOf(['digit'], { name: 'doubled' });
    bundle.files.push(...bundle.files.map((file) => ({ ...file, path: 'copy.bin' })));
    const published = await publishBundle(stores, bytesOf(JSON.stringify(bundle)), by);
    expect(published.bundle.sizeBytes).toBe(tinyModel('digit').length);
  });

  test('refuses what is not a manifest', async () => {
    const refusal = (bytes: Uint8Array<ArrayBuffer>) => expect(publishBundle(stores, bytes, by)).rejects;
    await refusal(bytesOf('{')).toMatchObject({ code: 'invalid' });
    await refusal(new Uint8Array([0x22, 0xff, 0x22])).toMatchObject({ code: 'invalid' });
    await refusal(bytesOf('{"format":"trunkline.bundle/2"}')).toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(/^Cannot publish the bundle: format: .*; name: /) as string,
    });
  });

  test('refuses a file that is missing or has another size, and publishes nothing', async () => {
    const missing = await bytesOfManifest(['unstored'], 'missing');
    await expect(publishBundle(stores, missing, by)).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(
        /^Cannot publish bundle "missing": file "unstored.onnx" is not stored: blob [0-9a-f]{64} is missing\.$/,
      ) as string,
    });
    const bundle = await manifestOf(['digit'], { name: 'resized' });
    const resized = { ...bundle, files: bundle.files.map((file) => ({ ...file, sizeBytes: 3 })) };
    await expect(publishBundle(stores, bytesOf(JSON.stringify(resized)), by)).rejects.toMatchObject({
      code: 'unprocessable',
      message: `Cannot publish bundle "resized": file "digit.onnx" has ${tinyModel('digit').length} bytes, the manifest says 3.`,
    });
    expect(await findBundle(stores.db, await sha256Hex(missing))).toBeUndefined();
    expect(await readManifest(stores.bucket, await sha256Hex(missing))).toBeNull();
  });

  test('refuses a graph that is not ONNX by the name of its file', async () => {
    const page = bytesOf('<!doctype html>');
    const sha256 = await put(stores, page);
    const bundle = await manifestOf(['digit'], { name: 'webpage' });
    bundle.files = [{ path: 'digit.onnx', sha256, sizeBytes: page.length }];
    await expect(publishBundle(stores, bytesOf(JSON.stringify(bundle)), by)).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(
        /^Cannot publish bundle "webpage": file "digit.onnx" is not an ONNX model: it has/,
      ) as string,
    });
  });

  test('leaves no row when the manifest cannot be written, and publishes when asked again', async () => {
    const bytes = await bytesOfManifest(['digit'], 'unlucky');
    const failing = { ...stores, bucket: broken(stores.bucket, 'put') };
    await expect(publishBundle(failing, bytes, by)).rejects.toMatchObject(outage);
    expect(await findBundle(stores.db, await sha256Hex(bytes))).toBeUndefined();
    expect((await publishBundle(stores, bytes, by)).created).toBe(true);
  });
});

describe('setEndpoint()', () => {
  const routingOf = (endpoint: string) => readRouting(stores.kv, endpoint);

  test('makes revision 1, then 2, and tells the edge of each', async () => {
    const first = await setEndpoint(stores, { endpoint: 'vision', tasks: { digit } }, by);
    expect(first).toEqual({
      created: true,
      endpoint: {
        name: 'vision',
        revision: 1,
        tasks: { digit },
        createdAt: by.at,
        createdBy: by.actor,
        publishedAt: by.at,
      },
    });
    expect(await routingOf('vision')).toEqual({
      endpoint: 'vision',
      project: 'default',
      revision: 1,
      tasks: { digit: { bundle: digit } },
      experiments: [],
    });
    const second = await setEndpoint(stores, { endpoint: 'vision', tasks: { digit, fashion } }, later);
    expect(second).toMatchObject({ created: false, endpoint: { revision: 2, createdBy: 'somebody' } });
    expect((await routingOf('vision'))?.tasks).toEqual({
      digit: { bundle: digit },
      fashion: { bundle: fashion },
    });
    expect((await listRevisions(stores.db, 'vision')).rows.map((row) => row.tasks)).toEqual([
      { digit, fashion },
      { digit },
    ]);
    expect((await listAudit(stores.db)).rows[0]).toMatchObject({
      ...later,
      action: 'endpoint.set',
      subject: 'vision',
      detail: { revision: 2, tasks: { digit, fashion } },
    });
  });

  test('makes no revision of the tasks it has already', async () => {
    const change = { endpoint: 'same', tasks: { digit, fashion } };
    const first = await setEndpoint(stores, change, by);
    const again = await setEndpoint(stores, { ...change, tasks: { fashion, digit } }, later);
    expect(again).toEqual({ created: false, endpoint: first.endpoint });
  });

  test('serves several tasks from one bundle', async () => {
    const pair = await publish(stores, ['digit', 'fashion'], { name: 'pair' });
    await setEndpoint(stores, { endpoint: 'zipped', tasks: { digit: pair, fashion: pair } }, by);
    expect((await routingOf('zipped'))?.tasks).toEqual({
      digit: { bundle: pair },
      fashion: { bundle: pair },
    });
  });

  test('refuses bundles that are unknown, lack the task or read other inputs, and changes nothing', async () => {
    const wide = { ...image, dims: [-1, 1, 32, 32] };
    const other = await publish(stores, ['fashion'], { name: 'wide', input: wide });
    const unknown = 'e'.repeat(64);
    const refusal = (tasks: Record<string, string>) =>
      expect(setEndpoint(stores, { endpoint: 'refused', tasks }, by)).rejects;
    await refusal({ digit: unknown }).toMatchObject({
      code: 'unprocessable',
      message: `Cannot set endpoint "refused": bundle ${unknown} of task "digit" is not published.`,
    });
    await refusal({ fashion: digit }).toMatchObject({
      code: 'unprocessable',
      message: `Cannot set endpoint "refused": bundle ${digit} ("digit-net") has no head "fashion", it has digit.`,
    });
    await refusal({ digit, fashion: other }).toMatchObject({
      code: 'unprocessable',
      message:
        'Cannot set endpoint "refused": input "image" is float32 [-1, 1, 28, 28] for task "digit" and float32 [-1, 1, 32, 32] for task "fashion".',
    });
    expect(await findEndpoint(stores.db, 'refused')).toBeUndefined();
    expect(await routingOf('refused')).toBeNull();
  });

  test('refuses a change made from another revision than the current one', async () => {
    const endpoint = 'matched';
    await setEndpoint(stores, { endpoint, tasks: { digit }, from: 0 }, by);
    await expect(setEndpoint(stores, { endpoint, tasks: { fashion }, from: 0 }, by)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Cannot set endpoint "matched": it is at revision 1, the change was made from 0.',
    });
    expect((await routingOf(endpoint))?.tasks).toEqual({ digit: { bundle: digit } });
    const set = await setEndpoint(stores, { endpoint, tasks: { fashion }, from: 1 }, by);
    expect(set.endpoint.revision).toBe(2);
  });

  test('leaves the edge at the old revision when KV fails, and heals when asked again', async () => {
    const endpoint = 'unlucky';
    await setEndpoint(stores, { endpoint, tasks: { digit } }, by);
    const failing = { ...stores, kv: broken(stores.kv, 'put') };
    await expect(setEndpoint(failing, { endpoint, tasks: { fashion } }, by)).rejects.toMatchObject(outage);
    expect(await routingOf(endpoint)).toMatchObject({ revision: 1, tasks: { digit: { bundle: digit } } });
    expect(await findEndpoint(stores.db, endpoint)).toMatchObject({ revision: 2, publishedAt: null });

    const again = await setEndpoint(stores, { endpoint, tasks: { fashion } }, later);
    expect(again.endpoint).toMatchObject({ revision: 2, publishedAt: later.at });
    expect(await routingOf(endpoint)).toMatchObject({ revision: 2, tasks: { fashion: { bundle: fashion } } });
  });

  test('of changes at the same time, one wins, the others are told, and the edge serves the winner', async () => {
    const endpoint = 'contested';
    const change = (tasks: Record<string, string>) => setEndpoint(stores, { endpoint, tasks }, by);
    const outcomes = await Promise.allSettled([
      change({ digit }),
      change({ fashion }),
      change({ digit, fashion }),
    ]);
    const lost = outcomes.filter((one) => one.status === 'rejected');
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'conflict' });
    expect(lost.length).toBeLessThan(outcomes.length);
    const current = await findEndpoint(stores.db, endpoint);
    const routing = await routingOf(endpoint);
    expect(routing?.revision).toBe(current?.revision);
    expect(Object.keys(routing?.tasks ?? {})).toEqual(Object.keys(current?.tasks ?? {}));
  });

  test('a slow writer does not put an old revision over a newer one', async () => {
    const endpoint = 'overtaken';
    // While the first change writes its snapshot, a second one is made and published; then the first write lands.
    let overtaken = false;
    const put = async (...args: Parameters<KVNamespace['put']>): Promise<void> => {
      if (!overtaken) {
        overtaken = true;
        await setEndpoint(stores, { endpoint, tasks: { fashion } }, by);
      }
      await stores.kv.put(...args);
    };
    const kv = new Proxy(stores.kv, {
      get: (target, property) => (property === 'put' ? put : (Reflect.get(target, property) as unknown)),
    });
    const slow = await setEndpoint({ ...stores, kv }, { endpoint, tasks: { digit } }, by);
    expect(slow.endpoint).toMatchObject({ revision: 2, tasks: { fashion } });
    expect(await routingOf(endpoint)).toMatchObject({ revision: 2, tasks: { fashion: { bundle: fashion } } });
  });
});
