import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Why it cannot take jobs now, or null when it can. */
  readonly unready: () => string | null;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export interface HealthServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Tells whoever watches over a runner how it is: `/health/live`, `/health/ready`, and `/metrics` for Prometheus.
 *
 * @throws {Error} when the port is taken
 */
export async function startHealthServer({
  host,
  port,
  unready,
  metrics,
}: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const reply = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const json = (status: number, body: object): void =>
      reply(status, 'application/json', JSON.stringify(body));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      json(405, { error: 'There is nothing to change here' });
      return;
    }
    switch (request.url?.split('?')[0]) {
      case '/health/live':
        json(200, { live: true });
        break;
      case '/health/ready': {
        const reason = unready();
        json(reason === null ? 200 : 503, reason === null ? { ready: true } : { ready: false, reason });
        break;
      }
      case '/metrics':
        metrics.text().then(
          (text) => reply(200, metrics.contentType, text),
          (error: unknown) => json(500, { error: String(error) }),
        );
        break;
      default:
        json(404, { error: 'There are /health/live, /health/ready and /metrics' });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error) =>
      reject(new Error(`Cannot serve health checks at ${host}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
