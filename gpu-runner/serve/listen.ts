import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

export interface Listening {
  /** Without a slash at the end. */
  readonly url: string;
  /** Takes no more requests, and ends when those in progress are answered. */
  close(): Promise<void>;
}

/** What a Worker's runtime gives a request: work that goes on after the reply needs nothing of it in Node. */
const context: Parameters<Hono['fetch']>[2] = {
  waitUntil: (work) => void work.catch(() => undefined),
  passThroughOnException: () => undefined,
  props: {},
};

/**
 * Serves an app over HTTP.
 *
 * @param port 0 takes a free one
 * @throws {Error} "Cannot listen on 127.0.0.1:8000: ..." when the address is taken
 */
export async function listen(app: Hono, host: string, port: number): Promise<Listening> {
  const answer = getRequestListener((request) => app.fetch(request, {}, context), {
    overrideGlobalObjects: false,
  });
  const server = createServer((request, response) => void answer(request, response));
  let closing = false;
  server.on('request', (_, response) => {
    response.once('close', () => {
      // A client that keeps its connection would keep the server up.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`Cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: () =>
      new Promise((resolve, reject) => {
        closing = true;
        server.close((error) => {
          if (error) reject(error);
          else resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
