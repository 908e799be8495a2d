import { createServer, request as connect } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../gpu-runner/engine/random.ts';

export interface FlakyProxy {
  readonly url: string;
  /** Requests that came, and how many of them were broken. */
  readonly counts: { requests: number; broken: number };
  stop(): Promise<void>;
}

/**
 * Passes requests on to a service on loopback and breaks some: refused before they get there, cut off on the way back, or
 * carried out and never answered.
 *
 * @param share of requests that are broken, 0 to 1
 */
export async function startFlakyProxy(target: string, share: number, seed: number): Promise<FlakyProxy> {
  const random = new Random(seed);
  const counts = { requests: 0, broken: 0 };
  const server = createServer((incoming, outgoing) => {
    counts.requests += 1;
    const fault = random.uniform() < share ? random.integer(3) : undefined;
    if (fault !== undefined) counts.broken += 1;
    if (fault === 0) {
      incoming.resume();
      outgoing.writeHead(503, { 'content-type': 'text/plain' }).end('out of order');
      return;
    }
    const passed = connect(
      new URL(incoming.url ?? '/', target),
      { method: incoming.method, headers: { ...incoming.headers, host: new URL(target).host } },
      (answer) => {
        if (fault === 1) {
          answer.resume();
          outgoing.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (fault === 2) {
          answer.once('data', (piece: Buffer) => {
            outgoing.write(piece.subarray(0, piece.length >> 1));
            setImmediate(() => outgoing.destroy());
          });
          answer.once('end', () => outgoing.destroy());
          answer.resume();
        } else answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    incoming.on('error', () => passed.destroy());
    outgoing.on('error', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
