import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readConfig,
  resourcesOf,
  withIds,
  workers,
  writeConfig,
  type Ids,
  type Resources,
  type WorkerName,
} from './config.ts';
import { ensureResources } from './resources.ts';
import { ensureSecrets } from './secrets.ts';
import { root, succeed, type Wrangler } from './wrangler.ts';

export interface DeployOptions {
  /** Sign manifests from now on; the default where nothing was deployed before. */
  readonly sign?: boolean | undefined;
  readonly log: (line: string) => void;
}

export interface Deployed {
  readonly created: readonly string[];
  /** Addresses, by Worker, where wrangler told them. */
  readonly urls: Readonly<Partial<Record<WorkerName, string>>>;
  /** The operator's key when it was made now. */
  readonly operatorKey: string | null;
}

const names = Object.keys(workers) as WorkerName[];

/**
 * Brings both Workers to Cloudflare: creates what is missing, applies migrations, deploys, sets secrets. May be repeated:
 * it does what is left to do.
 *
 * @throws {Error} with wrangler's reason
 */
export async function deploy(run: Wrangler, { sign, log }: DeployOptions): Promise<Deployed> {
  const configs = { control: readConfig('control'), edge: readConfig('edge') };
  const wanted = resourcesOf(Object.values(configs));
  const { ids, created } = await ensureResources(run, wanted, log);
  const files = {
    control: await writeConfig('control', withIds(configs.control, ids), 'deploy'),
    edge: await writeConfig('edge', withIds(configs.edge, ids), 'deploy'),
  };
  for (const database of wanted.databases) {
    log(`Applying migrations to ${database}`);
    await succeed(run, ['d1', 'migrations', 'apply', database, '--remote', '--config', files.control]);
  }
  const urls: Partial<Record<WorkerName, string>> = {};
  for (const worker of names) {
    log(`Deploying the ${worker} Worker`);
    const { output } = await succeed(run, ['deploy', '--config', files[worker]]);
    const [url] = /https:\/\/\S+\.workers\.dev\b/.exec(output) ?? [];
    if (url !== undefined) urls[worker] = url;
  }
  const isNew = created.some((what) => what.startsWith('D1 database'));
  const operatorKey = await ensureSecrets(run, { ...files, sign: sign ?? isNew, log });
  return { created, urls, operatorKey };
}

export interface DryRun {
  readonly resources: Resources;
  readonly migrations: number;
  /** What wrangler says of each Worker's size. */
  readonly sizes: Readonly<Record<string, string>>;
}

/**
 * Builds both Workers as `deploy()` would, with ids that do not exist, and asks Cloudflare nothing.
 *
 * @throws {Error} when one of them does not build
 */
export async function dryRun(run: Wrangler, countMigrations: () => Promise<number>): Promise<DryRun> {
  const configs = { control: readConfig('control'), edge: readConfig('edge') };
  const resources = resourcesOf(Object.values(configs));
  const ids: Ids = {
    databases: Object.fromEntries(
      resources.databases.map((name) => [name, '00000000-0000-0000-0000-000000000000']),
    ),
    namespaces: Object.fromEntries(
      Object.values(resources.namespaces).map((title) => [title, '0'.repeat(32)]),
    ),
  };
  const sizes: Record<string, string> = {};
  for (const worker of names) {
    const out = await mkdtemp(join(tmpdir(), 'trunkline-deploy-'));
    const file = await writeConfig(worker, withIds(configs[worker], ids), 'dry-run');
    try {
      const { output } = await succeed(run, ['deploy', '--dry-run', '--outdir', out, '--config', file]);
      sizes[worker] = /Total Upload: (.*)/.exec(output)?.[1] ?? 'unknown';
    } finally {
      await rm(join(root, file), { force: true });
      await rm(out, { recursive: true, force: true });
    }
  }
  return { resources, migrations: await countMigrations(), sizes };
}
