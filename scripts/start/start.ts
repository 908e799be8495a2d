import { createServer } from 'node:net';
import { TrunklineClient } from '../../client/client.ts';
import { scopes } from '../../shared/keys.ts';
import { startPlatform, type Platform } from '../platform.ts';
import type { Home } from './home.ts';
import { keepRunner } from './keepRunner.ts';
import { seed } from './seed.ts';

export interface StartOptions {
  readonly home: Home;
  /** Of the control Worker; the edge has the one after it. 0: free ones. */
  readonly port: number;
  readonly log: (line: string) => void;
}

export interface Started {
  readonly controlUrl: string;
  readonly edgeUrl: string;
  /** With every scope. */
  readonly key: string;
  stop(): Promise<void>;
}

/** What the platform's schedule does in production. */
const scheduleMs = 60_000;

/**
 * Brings the whole platform up on this machine: both Workers, their schedule, a runner, and the examples.
 *
 * @throws {Error} when a port is taken, or with the end of the output of what does not start
 */
export async function start({ home, port, log }: StartOptions): Promise<Started> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    // The runner hands its job back while the service is still there.
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    if (port !== 0) for (const taken of [port, port + 1]) await refuseTaken(taken);
    log('Starting the control Worker and the edge Worker');
    const platform = await startPlatform({
      persistTo: home.path('state'),
      adminKey: home.keys.admin,
      ownSignals: true,
      ...(port !== 0 && { ports: { control: port, edge: port + 1 } }),
    });
    stops.push(() => platform.stop());
    const { key, runnerKey } = await makeKeys(home, platform);
    const schedule = setInterval(() => {
      void fetch(`${platform.controlUrl}/cdn-cgi/local/scheduled`).catch(() => undefined);
    }, scheduleMs);
    stops.push(() => clearInterval(schedule));
    const { controlUrl, edgeUrl } = platform;
    stops.push(keepRunner({ controlUrl, key: runnerKey, folder: home.path('runner'), log }));
    if (!home.keys.seeded) {
      await seed({ url: controlUrl, key, folder: home.path('examples'), log });
      await home.keep({ seeded: true });
    }
    return { controlUrl, edgeUrl, key, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeKeys(home: Home, { controlUrl }: Platform): Promise<{ key: string; runnerKey: string }> {
  const { keys } = new TrunklineClient({ url: controlUrl, key: home.keys.admin });
  const key = home.keys.developer ?? (await keys.create({ name: 'npm start', scopes: [...scopes] })).key;
  await home.keep({ developer: key });
  const runnerKey = home.keys.runner ?? (await keys.create({ name: 'local runner', scopes: ['runner'] })).key;
  await home.keep({ runner: runnerKey });
  return { key, runnerKey };
}

/** @throws {Error} when something listens there already */
async function refuseTaken(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause) => {
      reject(
        new Error(
          `Cannot start: port ${port} is taken (${cause.message}); is it running already? --port takes another`,
          { cause },
        ),
      );
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}
