import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, type Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { startPlatform, type Platform } from '../../scripts/platform.ts';
import { createdKey } from '../../shared/api.ts';
import { experimentReport, type ExperimentReport } from '../../shared/experiment-report.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { generateKey, hashKey, keyId } from '../../shared/keys.ts';
import { notOnnxBundle, separateBundle, taskNames, x, zippedBundle } from '../flows/edge-bundles.ts';

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
  const body = JSON.stringify({ name: 'test', scopes: ['infer', 'outcome', 'read', 'write'] });
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

/** Sends JSON, and expects to be served. */
async function send(
  method: string,
  path: string,
  value: unknown,
  at = platform.controlUrl,
): Promise<unknown> {
  const response = await call(`${at}${path}`, key, { method, body: JSON.stringify(value) });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  return JSON.parse(text) as unknown;
}

test('an experiment runs from the edge through the queue to its report, and its winner becomes the routing', async () => {
  const zipped = zippedBundle();
  await publish(zipped);
  const separate: Record<string, string> = {};
  for (const task of taskNames) {
    const bundle = separateBundle(task);
    await publish(bundle);
    separate[task] = bundle.id;
  }
  const merged = Object.fromEntries(taskNames.map((task) => [task, zipped.id]));
  await send('PUT', '/v1/endpoints/tested', { tasks: separate });
  await send('PUT', '/v1/experiments/merged-or-not', {
    endpoint: 'tested',
    unit: { from: 'header', name: 'x-unit' },
    coverage: 1,
    arms: [
      { name: 'separate', weight: 5000, tasks: separate },
      { name: 'merged', weight: 5000, tasks: merged },
    ],
    defaultArm: 'separate',
    shadow: { share: 1, arm: 'merged' },
    margins: Object.fromEntries(taskNames.map((task) => [task, 0.05])),
  });
  await send('POST', '/v1/experiments/merged-or-not/start', {});

  const inputs = [{ name: x.name, datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }];
  const units = 40;
  const arms = new Map<string, number>();
  const outcomes: unknown[] = [];
  for (let i = 0; i < units; i++) {
    const requestId = `request-${i}`;
    const reply = await fetch(`${platform.edgeUrl}/v2/models/tested/infer`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'x-unit': `unit-${i}`, 'x-request-id': requestId },
      body: JSON.stringify({ inputs }),
    });
    expect(reply.status, await reply.text()).toBe(200);
    const arm = reply.headers.get('x-arm') ?? 'none';
    arms.set(arm, (arms.get(arm) ?? 0) + 1);
    for (const task of taskNames) outcomes.push({ requestId, task, reward: 1 });
  }
  await send('POST', '/v1/outcomes', { outcomes });

  const report = await reportOf('merged-or-not', (one) => {
    const counted = Object.values(one.units).reduce((sum, count) => sum + count, 0);
    return counted >= units;
  });
  expect(report.units).toEqual(Object.fromEntries(arms));
  expect([...arms.keys()].sort()).toEqual(['merged', 'separate']);
  for (const row of report.tasks) expect(row.baseline).toEqual({ value: 1, units: arms.get('separate') });
  expect(report.shadows.map((one) => [one.arm, one.shadow, one.failed])).toEqual([
    ['merged', 'separate', 0],
    ['separate', 'merged', 0],
  ]);
  for (const task of report.shadows.flatMap((one) => one.tasks)) expect(task.top1Agreement).toBe(1);

  const scheduled = await fetch(`${platform.controlUrl}/cdn-cgi/local/scheduled`);
  expect(scheduled.status).toBe(200);
  const decision = { arm: 'merged', reason: 'enough was seen' };
  await send('POST', '/v1/experiments/merged-or-not/decide', decision);
  const current = await call(`${platform.controlUrl}/v1/endpoints/tested`, key);
  expect(await current.json()).toMatchObject({ revision: 2, tasks: merged });
});

/** The report, once it is as wanted: exposures take seconds through the queue. */
async function reportOf(
  experiment: string,
  wanted: (report: ExperimentReport) => boolean,
): Promise<ExperimentReport> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const url = `${platform.controlUrl}/v1/experiments/${experiment}/report`;
    const report = experimentReport.parse(await (await call(url, key)).json());
    if (wanted(report)) return report;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`the report of ${experiment} did not become what was waited for`);
}

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
