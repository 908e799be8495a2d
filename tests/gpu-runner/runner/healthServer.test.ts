import { afterEach, expect, it } from 'vitest';
import { startHealthServer, type HealthServer } from '../../../gpu-runner/runner/healthServer.ts';

let server: HealthServer | undefined;
afterEach(() => server?.stop());

const start = async (unready: () => string | null, port = 0): Promise<HealthServer> => {
  server = await startHealthServer({
    ...{ host: '127.0.0.1', port, unready },
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('jobs 3\n') },
  });
  return server;
};

it('startHealthServer() tells whether the runner lives, is ready, and its metrics', async () => {
  let reason: string | null = null;
  const { url } = await start(() => reason);
  const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const reply = await fetch(`${url}${path}`, { method });
    return [reply.status, await reply.text()];
  };
  expect(await ask('/health/live')).toEqual([200, '{"live":true}']);
  expect(await ask('/health/ready?verbose')).toEqual([200, '{"ready":true}']);
  expect(await ask('/metrics')).toEqual([200, 'jobs 3\n']);
  expect(await ask('/health/live', 'HEAD')).toEqual([200, '']);
  reason = 'it is shutting down';
  expect(await ask('/health/ready')).toEqual([503, '{"ready":false,"reason":"it is shutting down"}']);
  expect((await ask('/health/live'))[0]).toBe(200);
  expect((await ask('/'))[0]).toBe(404);
  expect((await ask('/metrics', 'POST'))[0]).toBe(405);
});

it('startHealthServer() says which port is taken', async () => {
  const { url } = await start(() => null);
  const port = Number(new URL(url).port);
  const second = startHealthServer({
    ...{ host: '127.0.0.1', port, unready: () => null },
    metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
  });
  await expect(second).rejects.toThrow(
    `Cannot serve health checks at 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  );
});
