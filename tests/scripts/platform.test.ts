import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, type Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { createdKey } from '../../shared/api.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { generateKey, hashKey, keyId } from '../../shared/keys.ts';
import { notOnnxBundle, taskNames, x, zippedBundle } from '../flows/edge-bundles.ts';

const adminKey = generateKey().key;
let folder: string;
let platform: Platform;
let key: string;

beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'trunkline ')), 'state');
  await mkdir(folder);
  platform = await startPlatform({ persistTo: folder, adminKey });
  ({ key } = await makeKey());
});
afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true });
});

const call = (url: string, key: string, init: Omit<RequestInit, 'headers'> = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { Authorization: `Bearer ${key}` } });

async function makeKey(): Promise<{ id: string; key: string }> {
  const body = JSON.stringify({ name: 'test', scopes: ['infer', 'read', 'write'] });
  return createdKey.parse(
    await (await call(`${platform.controlUrl}/v1/keys`, adminKey, { method: 'POST', body })).json(),
  );
}

test('both Workers listen on the loopback interface', async () => {
  for (const url of [platform.controlUrl, platform.edgeUrl])
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${platform.controlUrl}/health`)).json()).toEqual({ live: true });
  expect((await fetch(`${platform.edgeUrl}/v2/health/live`)).status).toBe(200);
});

test('what the control Worker writes, the edge Worker reads at once', async () => {
  const atEdge = (key: string): Promise<Response> => call(`${platform.edgeUrl}/v2/models/none`, key);
  expect((await atEdge(key)).status).toBe(404);
  const revoked = await makeKey();
  const path = `${platform.controlUrl}/v1/keys/${revoked.id}`;
  expect((await call(path, adminKey, { method: 'DELETE' })).status).toBe(204);
  expect((await atEdge(revoked.key)).status).toBe(401);
});

/** Uploads every file of a bundle, then publishes it. */
async function publish({ files, manifestBytes }: Bundle): Promise<Response> {
  for (const body of files.values()) {
    const put = await call(`${platform.controlUrl}/v1/blobs/${sha256(body)}`, key, { method: 'PUT', body });
    expect(put.ok).toBe(true);
  }
  return call(`${platform.controlUrl}/v1/bundles`, key, { method: 'POST', body: manifestBytes });
}

test('a bundle published at the control Worker is served by the edge Worker', async () => {
  const bundle = zippedBundle();
  expect((await publish(bundle)).status).toBe(201);
  const body = JSON.stringify({ tasks: Object.fromEntries(taskNames.map((task) => [task, bundle.id])) });
  const url = `${platform.controlUrl}/v1/endpoints/pair`;
  expect((await call(url, key, { method: 'PUT', body })).status).toBe(201);
  const inputs = [{ name: x.name, datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }];
  const infer = await call(`${platform.edgeUrl}/v2/models/pair/infer`, key, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  const answer = await infer.json();
  expect(answer).toMatchObject({ model_version: '1', outputs: taskNames.map((name) => ({ name })) });
});

test('a bundle whose graph is not ONNX is refused before anything serves it', async () => {
  const refused = await publish(notOnnxBundle());
  expect(refused.status).toBe(422);
  expect(await refused.text()).toContain('file \\"digit.onnx\\" is not an ONNX model');
});

test('a blob of many megabytes is stored over HTTP, once', async () => {
  const body = new Uint8Array(20_000_000).fill(7);
  const url = `${platform.controlUrl}/v1/blobs/${await sha256Hex(body)}`;
  const put = (): Promise<Response> => call(url, key, { method: 'PUT', body });
  expect((await put()).status).toBe(201);
  // The body of the second one is not read: the connection must outlive that.
  expect((await put()).status).toBe(200);
  const head = await call(url, key, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('20000000');
});

test('a large body that is refused gets its answer', async () => {
  const body = new Uint8Array(20_000_000);
  const url = `${platform.controlUrl}/v1/blobs/${'a'.repeat(64)}`;
  expect((await call(url, key, { method: 'PUT', body })).status).toBe(422);
  expect((await call(url, generateKey().key, { method: 'PUT', body })).status).toBe(401);
  const manifest = await call(`${platform.controlUrl}/v1/bundles`, key, { method: 'POST', body });
  expect(manifest.status).toBe(413);
  expect(await manifest.json()).toMatchObject({ error: { code: 'too-large' } });
});

test('a body sent in chunks has no length to store it by', async () => {
  const url = `${platform.controlUrl}/v1/blobs/${await sha256Hex('chunked')}`;
  const init = { method: 'PUT', body: new Blob(['chunked']).stream(), duplex: 'half' as const };
  expect((await call(url, key, init)).status).toBe(411);
});

test('generate-key.ts prints a key and the hash of it', async () => {
  const script = new URL('../../scripts/generate-key.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [decodeURIComponent(script)]);
  const [, made = '', hash = ''] = /^key +(\S+)\nhash +(\S+)\n$/.exec(stdout) ?? [];
  expect(keyId(made)).not.toBeNull();
  expect(hash).toBe(await hashKey(made));
});

test('a platform that cannot start says why', async () => {
  const port = Number(new URL(platform.edgeUrl).port);
  const starting = startPlatform({ adminKey, ports: { control: 0, edge: port } });
  await expect(starting).rejects.toThrow(/^The edge Worker .*The end of its output:\n/s);
});
