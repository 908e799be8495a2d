import { EventEmitter, once } from 'node:events';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { listen } from '../../../gpu-runner/serve/listen.ts';

test('listen() takes a free port, answers, and lets a request in progress end when it closes', async () => {
  const events = new EventEmitter();
  const reached = once(events, 'reached');
  const app = new Hono();
  app.get('/slow', async (c) => {
    c.executionCtx.waitUntil(Promise.reject(new Error('nobody hears of this')));
    events.emit('reached');
    await once(events, 'finish');
    return c.text('done');
  });
  const server = await listen(app, '127.0.0.1', 0);
  const reply = fetch(`${server.url}/slow`);
  await reached;
  const closed = server.close();
  events.emit('finish');
  expect(await (await reply).text()).toBe('done');
  await closed;
  await expect(fetch(server.url)).rejects.toThrow();
});

test('listen() says which address is taken', async () => {
  const server = await listen(new Hono(), '127.0.0.1', 0);
  const port = Number(new URL(server.url).port);
  await expect(listen(new Hono(), '127.0.0.1', port)).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${port}: listen EADDRINUSE`,
  );
  await server.close();
});
