import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

// The built page as the control Worker serves it (index.html for what is no file, headers of `_headers`), and an API that
// answers with fixtures: for how pages look. What they do is tested against the real platform in tests/flows.

export interface MockRequest {
  readonly url: URL;
  /** Named parts of the path, in order. */
  readonly params: readonly string[];
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

/** A status with a body, for refusals; anything else a handler returns is answered 200 as JSON. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly type: string;
  constructor(status: number, body: unknown, type = 'application/json') {
    this.status = status;
    this.body = body;
    this.type = type;
  }
}

/** By "GET /v1/models/:name"; the first that fits answers. */
export type Handlers = Readonly<Record<string, (request: MockRequest) => unknown>>;

export interface MockPlatform {
  readonly url: string;
  /** "GET /v1/models?q=a" of every request to the API so far. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

const dist = join(import.meta.dirname, '../../workers/portal/dist');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.onnx': 'application/octet-stream',
};

export async function startMock(handlers: Handlers): Promise<MockPlatform> {
  const headers = parseHeaders(await readFile(join(dist, '_headers'), 'utf8'));
  const routes = Object.entries(handlers).map(([route, answer]) => {
    const [method = '', path = ''] = route.split(' ');
    const pattern = path.replaceAll(/[.]/g, '\\.').replaceAll(/:\w+/g, '([^/]+)');
    return { method, pattern: new RegExp(`^${pattern}$`), answer };
  });
  const requests: string[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (/^\/(v1|v2|health|docs|openapi\.json)(\/|$)/.test(url.pathname)) {
      requests.push(`${request.method ?? 'GET'} ${url.pathname}${url.search}`);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      for (const { method, pattern, answer } of routes) {
        const match = pattern.exec(url.pathname);
        if (method !== request.method || match === null) continue;
        const params = match.slice(1).map(decodeURIComponent);
        send(response, await answer({ url, params, body: Buffer.concat(chunks), headers: request.headers }));
        return;
      }
      send(
        response,
        new Reply(404, {
          error: { code: 'not-found', message: `The mock has no ${request.method ?? ''} ${url.pathname}.` },
        }),
      );
      return;
    }
    const asset = /\.\w+$/.test(url.pathname) ? url.pathname : '/index.html';
    const content = await readFile(join(dist, asset)).catch(() => readFile(join(dist, 'index.html')));
    response
      .writeHead(200, { ...headers, 'content-type': types[extname(asset)] ?? 'text/plain' })
      .end(content);
  };
  const server: Server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, answer: unknown): void {
  const { status, body, type } = answer instanceof Reply ? answer : new Reply(200, answer);
  response
    .writeHead(status, { 'content-type': type })
    .end(type === 'application/json' ? JSON.stringify(body) : (body as Buffer | string));
}

/** The headers of `/*` in a `_headers` file. */
function parseHeaders(text: string): Record<string, string> {
  const [all = ''] = text.split(/\n\n/);
  return Object.fromEntries(
    all
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const match = /^\s+([\w-]+): (.*)$/.exec(line);
        return match ? [[(match[1] ?? '').toLowerCase(), match[2] ?? '']] : [];
      }),
  );
}
