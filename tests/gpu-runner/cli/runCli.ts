import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { main } from '../../../gpu-runner/cli.ts';
import type { CommandContext } from '../../../gpu-runner/cli/context.ts';

/** What one command line did. */
export interface Ran {
  readonly status: number;
  /** The answer. */
  readonly out: string;
  readonly err: string;
}

/** A folder of its own for each test, where a login is kept and files lie. */
export class Home {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Home> {
    return new Home(await mkdtemp(join(tmpdir(), 'trunkline-cli-')));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs a command line as a person here would, with nobody looking unless `context` says so. */
  async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    context: Partial<CommandContext> = {},
  ): Promise<Ran> {
    const out: string[] = [];
    const err: string[] = [];
    const status = await main(args, {
      env: { XDG_CONFIG_HOME: this.folder, ...env },
      print: (text) => void out.push(text),
      complain: (text) => void err.push(text),
      ...context,
    });
    return { status, out: out.join('\n'), err: err.join('\n') };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface FakeRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type FakeAnswer = {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Record<string, string>;
};

/** A service on the loopback interface that answers what the test says, and 404 where it says nothing. */
export class FakeControl {
  readonly #server: Server;
  readonly requests: FakeRequest[] = [];
  readonly url: string;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(answer: (request: FakeRequest) => FakeAnswer | null): Promise<FakeControl> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const fake = new FakeControl(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      void (async () => {
        const one: FakeRequest = {
          method: request.method ?? '',
          path: request.url ?? '',
          authorization: request.headers.authorization,
          headers: request.headers,
          body: await buffer(request),
        };
        fake.requests.push(one);
        const given = answer(one) ?? {
          status: 404,
          json: { error: { code: 'not-found', message: `There is no ${one.method} ${one.path} here.` } },
        };
        response
          .writeHead(given.status ?? 200, given.headers)
          .end(given.text ?? (given.json === undefined ? '' : JSON.stringify(given.json)));
      })();
    });
    return fake;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
