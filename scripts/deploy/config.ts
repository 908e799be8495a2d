import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { experimental_readRawConfig } from 'wrangler';
import { z } from 'zod';
import { root } from './wrangler.ts';

/** Of a configuration what a deployment looks at; the rest goes through as it is. */
const rawConfig = z.looseObject({
  d1_databases: z.array(z.looseObject({ database_name: z.string() })).optional(),
  kv_namespaces: z.array(z.looseObject({ binding: z.string() })).optional(),
  r2_buckets: z.array(z.looseObject({ bucket_name: z.string() })).optional(),
  queues: z
    .looseObject({
      producers: z.array(z.looseObject({ queue: z.string() })).optional(),
      consumers: z
        .array(z.looseObject({ queue: z.string(), dead_letter_queue: z.string().optional() }))
        .optional(),
    })
    .optional(),
});
export type RawConfig = z.infer<typeof rawConfig>;

/** The types of wrangler's own reader are not in its package. */
const readRaw = experimental_readRawConfig as (from: { config: string }) => { rawConfig: unknown };

/** Both Workers, in the order of their deployment: the control plane's is bound to the edge's, which must be there. */
export const workers = { edge: 'workers/edge/wrangler.toml', control: 'wrangler.toml' } as const;
export type WorkerName = keyof typeof workers;

/** What the configurations name that must exist on Cloudflare before the Workers do. */
export interface Resources {
  readonly databases: readonly string[];
  readonly buckets: readonly string[];
  readonly queues: readonly string[];
  /** Titles of KV namespaces, by binding. */
  readonly namespaces: Readonly<Record<string, string>>;
}

/** The ids that Cloudflare gave. */
export interface Ids {
  /** Of D1 databases, by name. */
  readonly databases: Readonly<Record<string, string>>;
  /** Of KV namespaces, by title. */
  readonly namespaces: Readonly<Record<string, string>>;
}

/** A configuration as it is committed. @throws {Error} when wrangler cannot read it */
export function readConfig(worker: WorkerName): RawConfig {
  return rawConfig.parse(readRaw({ config: join(root, workers[worker]) }).rawConfig);
}

/** Titles are of an account, bindings of a Worker. */
const titleOf = (binding: string): string => `trunkline-${binding.toLowerCase()}`;

export function resourcesOf(configs: readonly RawConfig[]): Resources {
  const all = <T>(pick: (config: RawConfig) => readonly (T | undefined)[]): T[] => [
    ...new Set(configs.flatMap(pick).filter((one) => one !== undefined)),
  ];
  const bindings = all((config) => config.kv_namespaces?.map(({ binding }) => binding) ?? []);
  return {
    databases: all((config) => config.d1_databases?.map((one) => one.database_name) ?? []),
    buckets: all((config) => config.r2_buckets?.map((one) => one.bucket_name) ?? []),
    queues: all((config) => [
      ...(config.queues?.producers?.map((one) => one.queue) ?? []),
      ...(config.queues?.consumers?.flatMap((one) => [one.queue, one.dead_letter_queue]) ?? []),
    ]),
    namespaces: Object.fromEntries(bindings.map((binding) => [binding, titleOf(binding)])),
  };
}

/** The configuration with the account's ids. @throws {Error} when one is missing */
export function withIds(config: RawConfig, ids: Ids): RawConfig {
  const known = (all: Readonly<Record<string, string>>, name: string): string => {
    const id = all[name];
    if (id === undefined) throw new Error(`Cannot deploy: nobody knows the id of ${name}`);
    return id;
  };
  return {
    ...config,
    ...(config.d1_databases && {
      d1_databases: config.d1_databases.map((one) => ({
        ...one,
        database_id: known(ids.databases, one.database_name),
      })),
    }),
    ...(config.kv_namespaces && {
      kv_namespaces: config.kv_namespaces.map((one) => ({
        ...one,
        id: known(ids.namespaces, titleOf(one.binding)),
      })),
    }),
  };
}

/**
 * Writes a configuration beside the committed one, so that its paths mean the same.
 *
 * @param label `deploy` or `dry-run`: part of the file's name
 * @returns the file, from the root
 */
export async function writeConfig(worker: WorkerName, config: RawConfig, label: string): Promise<string> {
  const file = join(dirname(workers[worker]), `wrangler.${label}.json`);
  await writeFile(join(root, file), `${JSON.stringify(config, null, 2)}\n`);
  return file;
}
