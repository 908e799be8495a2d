import { beforeEach, expect, test, vi } from 'vitest';
import { signature, tellWebhook } from '../../../workers/control/webhook.ts';
import { recordAudit, type AuditEntry } from '../../../workers/store/audit.ts';
import { audit, webhookProgress } from '../../../workers/store/schema.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';

const webhook = { url: 'https://hooks.test/a', secret: 'a secret of thirty-two characters' };
const now = new Date('2026-01-02T04:00:00.000Z');
let stores: Stores;

const step = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  ...by,
  action: 'experiment.start',
  subject: 'merged-or-not',
  detail: { version: 2 },
  ...change,
});

beforeEach(async () => {
  stores = await freshStores();
  await stores.db.delete(audit);
  await stores.db.delete(webhookProgress);
});

interface Told {
  url: string;
  headers: Headers;
  body: string;
}

/** A receiver that answers with these statuses in turn, then 200. */
function receiver(...statuses: number[]) {
  const told: Told[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    told.push({ url: request.url, headers: request.headers, body: await request.text() });
    return new Response(null, { status: statuses.shift() ?? 200 });
  };
  return { told, send };
}
const idsOf = (told: Told[]): unknown[] => told.map(({ body }) => (JSON.parse(body) as { id: unknown }).id);

test('steps of experiments are told in order, once, and nothing else is', async () => {
  await recordAudit(stores.db, step());
  await recordAudit(stores.db, step({ action: 'key.create', subject: 'somebody' }));
  await recordAudit(stores.db, step({ action: 'experiment.decide', detail: { arm: 'merged' } }));
  const { told, send } = receiver();
  expect(await tellWebhook(stores, webhook, now, send)).toBe(2);
  expect(await tellWebhook(stores, webhook, now, send)).toBe(0);
  expect(told.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    {
      action: 'experiment.start',
      experiment: 'merged-or-not',
      actor: by.actor,
      at: by.at,
      detail: { version: 2 },
    },
    { action: 'experiment.decide', detail: { arm: 'merged' } },
  ]);
  expect(told[0]?.url).toBe(webhook.url);
});

test('the signature is the HMAC-SHA256 of the time and the body', async () => {
  await recordAudit(stores.db, step());
  const { told, send } = receiver();
  await tellWebhook(stores, webhook, now, send);
  const [, seconds = '', digest] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(told[0]?.headers.get('X-Trunkline-Signature') ?? '') ?? [];
  expect(Number(seconds)).toBe(now.getTime() / 1000);
  expect(digest).toBe(await signature(webhook.secret, `${seconds}.${told[0]?.body ?? ''}`));
  // RFC 4231, test case 2.
  expect(await signature('Jefe', 'what do ya want for nothing?')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('a step that is not taken is told again, before those after it', async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  for (let i = 0; i < 3; i++) await recordAudit(stores.db, step({ detail: { i } }));
  const { told, send } = receiver(200, 503);
  expect(await tellWebhook(stores, webhook, now, send)).toBe(1);
  expect(await tellWebhook(stores, webhook, now, send)).toBe(2);
  const [first, second, third, fourth] = idsOf(told);
  expect(third).toBe(second);
  expect(new Set([first, second, fourth]).size).toBe(3);
  vi.restoreAllMocks();
});

test('a receiver that is gone for good is not told of what is older than three days', async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  await recordAudit(stores.db, step({ at: '2025-12-30T03:59:59.000Z' }));
  await recordAudit(stores.db, step({ at: '2025-12-30T04:00:01.000Z' }));
  const gone: typeof fetch = () => Promise.reject(new Error('nobody there'));
  expect(await tellWebhook(stores, webhook, now, gone)).toBe(0);
  const { told, send } = receiver();
  expect(await tellWebhook(stores, webhook, now, send)).toBe(1);
  expect(told).toHaveLength(1);
  vi.restoreAllMocks();
});
