import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import {
  deleteKeyGrant,
  readBlobRange,
  writeBlob,
  writeKeyGrant,
  writeManifest,
  writeRouting,
} from '../../../workers/store/publish.ts';
import {
  blobSize,
  grantKey,
  listEndpoints,
  readBlob,
  readKeyGrant,
  readManifest,
  readRouting,
  routingKey,
} from '../../../workers/store/published.ts';
import { broken, bytesOf } from '../fixtures.ts';

const { BUNDLES: bucket, ROUTING: kv } = env;
const bundle = 'b'.repeat(64);

test('a blob is read as it was written, whole and in part', async () => {
  const content = bytesOf('0123456789');
  const sha256 = await sha256Hex(content);
  await writeBlob(bucket, sha256, new Response(content).body);
  expect(await readBlob(bucket, sha256)).toEqual(content);
  expect(await blobSize(bucket, sha256)).toBe(10);
  expect(await readBlobRange(bucket, sha256, { offset: 3, length: 4 })).toEqual(bytesOf('3456'));
  expect(await readBlobRange(bucket, sha256, { offset: 8, length: 4 })).toEqual(bytesOf('89'));
});

test('writeBlob() refuses content of another digest and keeps none of it', async () => {
  const sha256 = await sha256Hex('announced');
  await expect(writeBlob(bucket, sha256, new Response(bytesOf('sent')).body)).rejects.toMatchObject({
    code: 'unprocessable',
    message: `Cannot store blob ${sha256}: the SHA-256 of the content sent is another one.`,
  });
  expect(await readBlob(bucket, sha256)).toBeNull();
});

test('a manifest is read as it was written, and only under its own digest', async () => {
  const bytes = bytesOf('{"a":1}');
  const id = await sha256Hex(bytes);
  await writeManifest(bucket, id, bytes);
  expect(await readManifest(bucket, id)).toEqual(bytes);
  await expect(writeManifest(bucket, bundle, bytes)).rejects.toMatchObject({ code: 'unavailable' });
});

test('what is not there is null', async () => {
  const nothing = '0'.repeat(64);
  expect(await readBlob(bucket, nothing)).toBeNull();
  expect(await blobSize(bucket, nothing)).toBeNull();
  expect(await readManifest(bucket, nothing)).toBeNull();
  expect(await readRouting(kv, 'nothing')).toBeNull();
  expect(await readKeyGrant(kv, nothing)).toBeNull();
  await expect(readBlobRange(bucket, nothing, { offset: 0, length: 1 })).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a routing is read as it was written, and listed', async () => {
  const routing = { endpoint: 'vision', revision: 3, tasks: { digit: { bundle } } };
  await writeRouting(kv, routing);
  await writeRouting(kv, { ...routing, endpoint: 'audio' });
  expect(await readRouting(kv, 'vision')).toEqual({ ...routing, project: 'default', experiments: [] });
  expect(await listEndpoints(kv)).toEqual(['audio', 'vision']);
});

test('a grant is read as it was written, until it is deleted', async () => {
  const grant = {
    id: 'abc',
    project: 'shop',
    scopes: ['infer' as const],
    expiresAt: '2099-01-01T00:00:00.000Z',
  };
  await writeKeyGrant(kv, 'hash', grant);
  expect(await readKeyGrant(kv, 'hash')).toEqual(grant);
  await deleteKeyGrant(kv, 'hash', 'abc');
  expect(await readKeyGrant(kv, 'hash')).toBeNull();
});

test('a pointer of another shape is an error, never a wrong answer', async () => {
  await kv.put(routingKey('odd'), JSON.stringify({ endpoint: 'odd', revision: 'new', tasks: {} }));
  await kv.put(grantKey('odd'), JSON.stringify({ id: 'x', scopes: ['everything'] }));
  await expect(readRouting(kv, 'odd')).rejects.toThrow();
  await expect(readKeyGrant(kv, 'odd')).rejects.toThrow();
});

test('every writer says what could not be written when the storage fails', async () => {
  const bucket = broken(env.BUNDLES, 'put');
  const kv = broken(env.ROUTING, 'put', 'delete');
  const bytes = bytesOf('{}');
  const digest = await sha256Hex(bytes);
  const cases: [string, () => Promise<void>][] = [
    [`blob ${digest}`, () => writeBlob(bucket, digest, new Response(bytes).body)],
    [`the manifest of bundle ${digest}`, () => writeManifest(bucket, digest, bytes)],
    [
      'the routing of endpoint "vision"',
      () => writeRouting(kv, { endpoint: 'vision', revision: 1, tasks: {} }),
    ],
    [
      'the grant of key abc',
      () => writeKeyGrant(kv, 'hash', { id: 'abc', project: 'shop', scopes: ['infer'] }),
    ],
    ['the revocation of key abc', () => deleteKeyGrant(kv, 'hash', 'abc')],
  ];
  for (const [what, writing] of cases) {
    await expect(writing()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`Cannot write ${what}: the storage failed.`) as string,
      cause: new Error('the platform is out of order'),
    });
  }
});
