import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../shared/digest.ts';
import { LocalProcess } from './local-process.ts';

// Both Workers on this machine, in workerd under wrangler dev: one process each, as they are deployed, over one folder
// of D1, R2 and KV. What one writes the other reads at once (production's KV takes up to a minute). Queues go from one
// process to the other through wrangler's registry; a producer that does not know its consumer yet drops what it is
// sent, so the control Worker, which consumes, starts first. Nothing runs by itself: POST /cdn-cgi/local/scheduled at the
// control Worker is the minute that would have passed.

export interface PlatformOptions {
  /** Folder of the databases; without one they lie in a temporary folder that `stop` removes. */
  persistTo?: string;
  /** Free ones, when left out. */
  ports?: { control: number; edge: number };
  /** Settings of the control Worker besides those in its wrangler.toml. */
  vars?: Readonly<Record<string, string>>;
  /** Signals are the caller's: it calls `stop()` when it is time. Otherwise they stop the platform and end this process. */
  ownSignals?: boolean;
  /** The first key, in the form of `generateKey()`: it may make others, and nothing else. */
  adminKey: string;
}

export interface Platform {
  controlUrl: string;
  edgeUrl: string;
  stop: () => Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js');

/** A cold start takes seconds; the rest is for a machine that is busy with other things. */
const startTimeoutMs = 120_000;

/**
 * Starts both Workers on the loopback interface and waits until they listen. They end with this process too.
 *
 * @throws {Error} with the end of wrangler's output when one of them does not start
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const folder = options.persistTo ?? (await mkdtemp(join(tmpdir(), 'trunkline-')));
  const run = (name: string, args: string[]): LocalProcess =>
    new LocalProcess(name, [wrangler, ...args, '--persist-to', folder], {
      cwd: root,
      env: localEnv(folder),
      detached: options.ownSignals === true,
    });
  const serve = (name: string, config: string, port: number, args: string[] = []): LocalProcess =>
    run(name, [
      'dev',
      ...['--config', config, '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
      '--show-interactive-dev-session=false',
      ...args,
    ]);

  const started: LocalProcess[] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    forgetSignals();
    await Promise.all(started.map((one) => one.stop()));
    if (options.persistTo === undefined) await rm(folder, { recursive: true, force: true });
  };
  const forgetSignals = options.ownSignals ? () => undefined : onSignal(stop);
  try {
    const migration = run('The migration', ['d1', 'migrations', 'apply', 'trunkline', '--local']);
    started.push(migration);
    await migration.succeed();
    refuseStopped(stopping);
    const hash = `BOOTSTRAP_KEY_HASH:${await sha256Hex(options.adminKey)}`;
    const vars = [hash, ...Object.entries(options.vars ?? {}).map(([name, value]) => `${name}:${value}`)];
    const control = serve(
      'The control Worker',
      'wrangler.toml',
      options.ports?.control ?? 0,
      vars.flatMap((one) => ['--var', one]),
    );
    started.push(control);
    const controlUrl = await listening(control);
    refuseStopped(stopping);
    const edge = serve('The edge Worker', 'workers/edge/wrangler.toml', options.ports?.edge ?? 0);
    started.push(edge);
    return { controlUrl, edgeUrl: await listening(edge), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function refuseStopped(stopping: boolean): void {
  if (stopping) throw new Error('The platform was stopped while it started');
}

async function listening(worker: LocalProcess): Promise<string> {
  const [, url] = await worker.waitFor(/Ready on (http:\/\/127\.0\.0\.1:\d+)/, startTimeoutMs);
  if (url === undefined) throw new Error('wrangler says it is ready but not where');
  return url;
}

/** Wrangler on this machine only: it asks nobody for updates or locations and sends no metrics. */
const localEnv = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_LOG_PATH: join(folder, 'logs'),
  // Of its own, so that two platforms side by side do not see each other's Workers.
  WRANGLER_REGISTRY_PATH: join(folder, 'registry'),
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
});

/** Runs `stop` when the terminal or the system ends this process; returns what undoes that. */
function onSignal(stop: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (): void => {
    void stop().finally(() => process.exit(130));
  };
  for (const signal of signals) process.once(signal, end);
  return () => {
    for (const signal of signals) process.off(signal, end);
  };
}
