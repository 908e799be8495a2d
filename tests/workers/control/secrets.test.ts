import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createdKey } from '../../../shared/api.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import worker from '../../../workers/control/index.ts';
import type { Env } from '../../../workers/control/env.ts';
import { broken, freshStores, tinyModel } from '../fixtures.ts';
import { bindings, bootstrap, call } from './client.ts';
import { operations } from './routes-of.ts';

const consoles = ['log', 'info', 'warn', 'error', 'debug'] as const;
const logged: string[] = [];
beforeAll(async () => {
  await freshStores();
  for (const one of consoles) {
    vi.spyOn(console, one).mockImplementation((...words: unknown[]) => {
      logged.push(words.map(textOf).join(' '));
    });
  }
});
afterAll(() => vi.restoreAllMocks());

/** All that a log may show of a value: an error's message, stack and causes too. */
function textOf(value: unknown): string {
  if (!(value instanceof Error)) return typeof value === 'string' ? value : JSON.stringify(value);
  return `${value.message} ${value.stack ?? ''} ${textOf(value.cause ?? '')} ${JSON.stringify(value)}`;
}

const webhookSecret = 'the secret of the receiver, which nobody is told';
const secretly: Partial<Env> = { WEBHOOK_URL: 'http://127.0.0.1:1/hook', WEBHOOK_SECRET: webhookSecret };

/** Every text in D1, R2 and KV. */
async function everythingStored(): Promise<string> {
  const { results: tables } = await env.DB.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
  ).all<{ name: string }>();
  expect(tables.length).toBeGreaterThan(20);
  const rows = await env.DB.batch(tables.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`)));
  const pointers = [];
  for (const { name } of (await env.ROUTING.list()).keys) pointers.push(name, await env.ROUTING.get(name));
  const content = [];
  for (const bucket of [env.BUNDLES, env.DEAD_LETTERS]) {
    for (const { key } of (await bucket.list()).objects)
      content.push(key, new TextDecoder().decode(await (await bucket.get(key))?.arrayBuffer()));
  }
  return JSON.stringify([rows.map(({ results }) => results), pointers, content]);
}

test('no key and no secret is in the database, the storage, a log line or a refusal', async () => {
  const scopes = ['infer', 'outcome', 'read', 'write', 'runner', 'admin'];
  const made = await call('POST', '/v1/keys', { key: bootstrap, json: { name: 'all', scopes } });
  const { key, id } = createdKey.parse(await made.json());
  const secrets = [key, key.slice(-64), bootstrap, bootstrap.slice(-64), webhookSecret];

  // Work of every kind, then every route with what is wrong, and with a platform that is out of order.
  const model = tinyModel('secret flow');
  const sha256 = await sha256Hex(model);
  await call('PUT', `/v1/blobs/${sha256}`, { key, body: model });
  const document = {
    format: 'trunkline.model/1',
    files: [{ path: 'n.onnx', sha256, sizeBytes: model.length }],
    labels: [],
  };
  expect((await call('POST', '/v1/models/net/versions', { key, json: document })).status).toBe(201);
  const claimed = { runner: { name: 'r', version: '1', providers: ['cpu'] }, kinds: ['inspect'] };
  expect((await call('POST', '/v1/runner/claim', { key, json: claimed })).status).toBe(200);
  const told: string[] = [];
  const outage = {
    DB: broken(env.DB, 'batch'),
    BUNDLES: broken(env.BUNDLES, 'get', 'put', 'head'),
    ROUTING: broken(env.ROUTING, 'put', 'delete'),
  };
  for (const { method, path } of operations) {
    const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'sha256' ? sha256 : 'net'));
    for (const options of [
      { key },
      { key, bindings: outage },
      { key: `${key}0` },
      { key: bootstrap },
      { key, bindings: { DB: broken(env.DB, 'prepare') } },
    ]) {
      if (method === 'delete' && options.key === bootstrap) continue;
      const response = await call(method.toUpperCase(), address, {
        ...options,
        ...(method === 'get' ? {} : { body: key }),
      });
      told.push(JSON.stringify([...response.headers]), await response.text());
    }
  }
  // The schedule, whose webhook cannot be reached.
  await worker
    .scheduled(
      { scheduledTime: Date.now(), cron: '* * * * *', noRetry: () => undefined },
      { ...bindings, ...secretly },
    )
    .catch((error: unknown) => logged.push(textOf(error)));

  const stored = await everythingStored();
  expect(stored).toContain(id);
  expect(logged.length).toBeGreaterThan(10);
  for (const secret of secrets) {
    expect(stored).not.toContain(secret);
    expect(logged.join('\n')).not.toContain(secret);
    expect(told.join('\n')).not.toContain(secret);
  }
}, 60_000);
