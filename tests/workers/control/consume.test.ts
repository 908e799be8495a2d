import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { replayReply } from '../../../shared/experiment-api.ts';
import type { Exposure, ExposureBatch } from '../../../shared/exposure.ts';
import { consume } from '../../../workers/control/consume.ts';
import { queues, type Env } from '../../../workers/control/env.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { listDeadLetters } from '../../../workers/store/dead-letters.ts';
import { endpointRevisions, exposures } from '../../../workers/store/schema.ts';
import { traffic, trafficMessages } from '../../../workers/store/schema/traffic.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { messageOf } from '../../shared/traffic.ts';
import { broken, by, freshStores } from '../fixtures.ts';
import { answer, makeKey } from './client.ts';

let stores: Stores;
beforeEach(async () => {
  stores = await freshStores();
  await stores.db.delete(exposures);
  for (const key of (await listDeadLetters(env.DEAD_LETTERS, 1000)).keys) await env.DEAD_LETTERS.delete(key);
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

const batchOf = (...ids: string[]): ExposureBatch => ({
  format: 'trunkline.exposures/1',
  exposures: ids.map((requestId): Exposure => exposureOf({ requestId })),
});

/** Delivers messages as the queue would, and tells which were acknowledged and which come again. */
async function deliver(
  messages: { id: string; body: unknown; attempts?: number }[],
  bindings: Partial<Env> = {},
  queue: string = queues.exposures,
) {
  const timestamp = new Date('2026-01-02T03:04:05.000Z');
  const batch = createMessageBatch(
    queue,
    messages.map((message) => ({ timestamp, attempts: 1, ...message })),
  );
  const retries = batch.messages.map((message) => vi.spyOn(message, 'retry'));
  await consume(batch, { ...env, ...bindings });
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  const delays = retries.flatMap(({ mock }) => mock.calls.map(([options]) => options?.delaySeconds));
  const again = retryMessages.map(({ msgId }, i) => ({ msgId, delaySeconds: delays[i] }));
  return { acknowledged: explicitAcks, again };
}

const counted = async (): Promise<string[]> =>
  (await stores.db.select({ id: exposures.requestId }).from(exposures)).map((row) => row.id).sort();

/** D1 that fails at the n-th statement from now on, once: before or after the statement did its work. */
function failingAt(nth: number, when: 'before' | 'after'): D1Database {
  let statements = 0;
  const failing = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, property) {
        const value: unknown = Reflect.get(of, property);
        if (typeof value !== 'function') return value;
        if (property === 'prepare' || property === 'bind') {
          return (...args: unknown[]) => failing(Reflect.apply(value, of, args) as object);
        }
        return async (...args: unknown[]) => {
          statements += 1;
          const fails = statements === nth;
          if (fails && when === 'before') throw new Error('D1 is gone');
          const result: unknown = await Reflect.apply(value, of, args);
          if (fails) throw new Error('the connection to D1 is gone');
          return result;
        };
      },
    });
  return failing(env.DB);
}

test('messages are counted and acknowledged', async () => {
  const result = await deliver([
    { id: 'm1', body: batchOf('a', 'b') },
    { id: 'm2', body: batchOf('c') },
  ]);
  expect(result).toEqual({ acknowledged: ['m1', 'm2'], again: [] });
  expect(await counted()).toEqual(['a', 'b', 'c']);
});

test('what is delivered twice, or in another order, or in other company, counts once', async () => {
  await deliver([
    { id: 'm2', body: batchOf('c', 'a') },
    { id: 'm1', body: batchOf('a', 'b') },
  ]);
  await deliver([{ id: 'm1', body: batchOf('a', 'b'), attempts: 2 }]);
  expect(await counted()).toEqual(['a', 'b', 'c']);
});

test('when D1 fails in the middle of a batch, that message alone comes again, later each time', async () => {
  const messages = ['a', 'b', 'c'].map((id) => ({ id: `m-${id}`, body: batchOf(id) }));
  const result = await deliver(messages, { DB: failingAt(2, 'before') });
  expect(result).toEqual({
    acknowledged: ['m-a', 'm-c'],
    again: [{ msgId: 'm-b', delaySeconds: 2 }],
  });
  expect(await counted()).toEqual(['a', 'c']);
  const fourth = await deliver([{ id: 'm-b', body: batchOf('b'), attempts: 4 }], {
    DB: broken(env.DB, 'prepare'),
  });
  expect(fourth.again).toMatchObject([{ msgId: 'm-b', delaySeconds: 16 }]);
  await deliver([{ id: 'm-b', body: batchOf('b'), attempts: 5 }]);
  expect(await counted()).toEqual(['a', 'b', 'c']);
});

test('when D1 wrote but its answer was lost, the message comes again and counts nothing twice', async () => {
  const messages = [{ id: 'm1', body: batchOf('a', 'b') }];
  const { again } = await deliver(messages, { DB: failingAt(1, 'after') });
  expect(again).toMatchObject([{ msgId: 'm1' }]);
  expect(await counted()).toEqual(['a', 'b']);
  expect((await deliver(messages)).acknowledged).toEqual(['m1']);
  expect(await counted()).toEqual(['a', 'b']);
});

test('a consumer killed between two messages loses and doubles nothing, wherever it dies', async () => {
  const ids = ['a', 'b', 'c', 'd'];
  for (let alive = 0; alive <= ids.length; alive++) {
    await stores.db.delete(exposures);
    const messages = ids.map((id) => ({ id: `m-${id}`, body: batchOf(id, `${id}2`) }));
    // Whoever dies acknowledges nothing: the platform delivers the whole batch again.
    await deliver(messages.slice(0, alive));
    expect(await counted()).toHaveLength(2 * alive);
    await deliver(messages);
    expect(await counted()).toEqual(ids.flatMap((id) => [id, `${id}2`]));
  }
});

test('a message nobody can read is put away at once: trying again would not help', async () => {
  const { acknowledged } = await deliver([{ id: 'odd', body: { format: 'something else' } }]);
  expect(acknowledged).toEqual(['odd']);
  expect((await listDeadLetters(env.DEAD_LETTERS, 10)).keys).toEqual(['exposures/odd.json']);
});

test('a message that cannot even be put away comes again', async () => {
  const letters = { DEAD_LETTERS: broken(env.DEAD_LETTERS, 'put') };
  const { again } = await deliver([{ id: 'odd', body: 'nothing' }], letters);
  expect(again).toMatchObject([{ msgId: 'odd' }]);
  const dead = await deliver([{ id: 'm1', body: batchOf('a') }], letters, queues.dead);
  expect(dead.again).toMatchObject([{ msgId: 'm1' }]);
});

test('dead letters are kept, and counted when they are replayed, once', async () => {
  const { key } = await makeKey('write');
  const replay = async (path = '/v1/exposures/replay') => {
    const [status, body] = await answer('POST', path, { key });
    expect(status).toBe(200);
    return replayReply.parse(body);
  };
  await deliver([{ id: 'live', body: batchOf('a') }]);
  const dead = [
    { id: 'm1', body: batchOf('a', 'b') },
    { id: 'm2', body: batchOf('c') },
    { id: 'odd', body: { format: 'something else' } },
  ];
  const { acknowledged } = await deliver(dead, {}, queues.dead);
  expect(acknowledged).toEqual(['m1', 'm2', 'odd']);
  expect(await counted()).toEqual(['a']);
  // The same letter twice is one object.
  await deliver(dead.slice(0, 1), {}, queues.dead);

  expect(await replay()).toMatchObject({
    replayed: 2,
    requests: 2,
    unreadable: { 'exposures/odd.json': expect.stringContaining('format') as unknown },
    next: null,
  });
  expect(await counted()).toEqual(['a', 'b', 'c']);
  expect((await listAudit(stores.db)).rows[0]).toMatchObject({
    action: 'exposures.replay',
    detail: { replayed: 2, requests: 2 },
  });
  expect(await replay()).toMatchObject({ replayed: 0, requests: 0 });
  expect((await listDeadLetters(env.DEAD_LETTERS, 10)).keys).toEqual(['exposures/odd.json']);
});

test('a replay that D1 ends in the middle keeps the letters it did not count', async () => {
  const { key } = await makeKey('write');
  const letters = ['a', 'b'].map((id) => ({ id: `m-${id}`, body: batchOf(id) }));
  await deliver(letters, {}, queues.dead);
  // The first statement looks the key up, the second counts the first letter.
  const [status] = await answer('POST', '/v1/exposures/replay', {
    key,
    bindings: { DB: failingAt(3, 'before') },
  });
  expect(status).toBe(500);
  expect(await counted()).toEqual(['a']);
  expect((await listDeadLetters(env.DEAD_LETTERS, 10)).keys).toEqual(['exposures/m-b.json']);
  await answer('POST', '/v1/exposures/replay', { key });
  expect(await counted()).toEqual(['a', 'b']);
});

test('a replay of many letters goes on where it stopped, past those nobody can read', async () => {
  const { key } = await makeKey('write');
  for (let i = 0; i < 101; i++) {
    await env.DEAD_LETTERS.put(`exposures/${String(i).padStart(3, '0')}.json`, '{}');
  }
  await deliver([{ id: 'last', body: batchOf('z') }], {}, queues.dead);
  const first = replayReply.parse((await answer('POST', '/v1/exposures/replay', { key }))[1]);
  expect(first).toMatchObject({ replayed: 0, next: 'exposures/099.json' });
  const path = `/v1/exposures/replay?cursor=${first.next ?? ''}`;
  expect((await answer('POST', path, { key }))[1]).toMatchObject({ replayed: 1, requests: 1, next: null });
  expect(await counted()).toEqual(['z']);
});

test('counts of requests come through the same queue, and are added once, whatever happens on the way', async () => {
  await stores.db.batch([stores.db.delete(traffic), stores.db.delete(trafficMessages)]);
  const served = { endpoint: 'vision', revision: 1, tasks: {}, createdAt: by.at, createdBy: by.actor };
  await stores.db.insert(endpointRevisions).values(served);
  const at = `${new Date().toISOString().slice(0, 16)}:00.000Z`;
  const [first, second] = [messageOf({ at }, new Date()), messageOf({ at }, new Date())];
  const samples = async (): Promise<number[]> =>
    (await stores.db.select({ samples: traffic.samples }).from(traffic)).map((row) => row.samples);

  // D1 wrote, and its answer was lost: the message comes again.
  const { again } = await deliver([{ id: 'm1', body: first }], { DB: failingAt(1, 'after') });
  expect(again).toMatchObject([{ msgId: 'm1' }]);
  expect(await samples()).toEqual([5, 5]);
  const both = [
    { id: 'm1', body: first, attempts: 2 },
    { id: 'm2', body: second },
  ];
  expect((await deliver(both)).acknowledged).toEqual(['m1', 'm2']);
  expect(await samples()).toEqual([10, 10]);

  // As a dead letter too.
  await deliver([{ id: 'm2', body: second }], {}, queues.dead);
  await deliver([{ id: 'm3', body: messageOf({ at }, new Date()) }], {}, queues.dead);
  const { key } = await makeKey('write');
  const [, body] = await answer('POST', '/v1/exposures/replay', { key });
  expect(replayReply.parse(body)).toMatchObject({ replayed: 2, requests: 4 });
  expect(await samples()).toEqual([15, 15]);
});
