import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeControl {
  readonly url: string;
  /** "METHOD /path", in the order in which they came. */
  readonly requests: string[];
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, Buffer>;
  readonly endpoints: Map<string, unknown>;
  /** Called first for each request; true when it dealt with it. */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean;
  stop(): Promise<void>;
}

/** The control API's blobs, bundles and endpoints as a server on loopback, just real enough to publish to. */
export async function startFakeControl(key: string): Promise<FakeControl> {
  const fake: Omit<FakeControl, 'url'> = {
    requests: [],
    blobs: new Map(),
    manifests: new Map(),
    endpoints: new Map(),
    interfere: () => false,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const answer = (request: IncomingMessage, body: Buffer): [status: number, json: unknown] => {
    const { method = '', url = '' } = request;
    const refusal = (status: number, code: string, message: string): [number, unknown] => [
      status,
      { error: { code, message } },
    ];
    if (request.headers.authorization !== `Bearer ${key}`)
      return refusal(401, 'unauthenticated', 'This key is not known.');
    const digest = createHash('sha256').update(body).digest('hex');
    const [, , kind = '', id = ''] = url.split('/');
    switch (`${method} ${kind}`) {
      case 'HEAD blobs':
        return [fake.blobs.has(id) ? 200 : 404, null];
      case 'PUT blobs':
        if (digest !== id)
          return refusal(422, 'unprocessable', `Cannot store blob ${id}: its digest is ${digest}.`);
        fake.blobs.set(id, body);
        return [201, { sha256: id, sizeBytes: body.length }];
      case 'POST bundles':
        fake.manifests.set(digest, body);
        return [201, { id: digest }];
      case 'PUT endpoints': {
        const { tasks } = JSON.parse(body.toString()) as { tasks: Record<string, string> };
        fake.endpoints.set(id, tasks);
        const at = '2026-01-02T03:04:05.000Z';
        return [200, { name: id, revision: 1, tasks, createdAt: at, createdBy: 'tester', publishedAt: at }];
      }
      default:
        return refusal(404, 'not-found', `There is no ${method} ${url} here.`);
    }
  };
  const server = createServer((request, response) => {
    fake.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (fake.interfere(request, response)) return;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [status, json] = answer(request, Buffer.concat(chunks));
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
