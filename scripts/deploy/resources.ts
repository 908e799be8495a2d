import { z } from 'zod';
import type { Ids, Resources } from './config.ts';
import { succeed, type Wrangler } from './wrangler.ts';

const databases = z.array(z.object({ name: z.string(), uuid: z.string() }));
const namespaces = z.array(z.object({ title: z.string(), id: z.string() }));

/** How wrangler says that somebody was faster. */
const exists = /already (exists|taken|been taken)|name is taken|\b(10004|11009|10014|7502)\b/i;

export interface Ensured {
  readonly ids: Ids;
  readonly created: readonly string[];
}

/**
 * Creates what is missing of the resources: again after any failure creates the rest.
 *
 * @throws {Error} with wrangler's reason
 */
export async function ensureResources(
  run: Wrangler,
  wanted: Resources,
  log: (line: string) => void,
): Promise<Ensured> {
  const created: string[] = [];
  const make = async (what: string, args: readonly string[]): Promise<void> => {
    const ran = await run(args);
    if (!ran.ok) {
      if (exists.test(ran.output)) return;
      await succeed(() => Promise.resolve(ran), args);
    }
    created.push(what);
    log(`Created ${what}`);
  };

  const listDatabases = async () =>
    databases.parse(JSON.parse((await succeed(run, ['d1', 'list', '--json'])).stdout));
  const listNamespaces = async () =>
    namespaces.parse(JSON.parse((await succeed(run, ['kv', 'namespace', 'list'])).stdout));
  const known = new Set((await listDatabases()).map(({ name }) => name));
  for (const name of wanted.databases)
    if (!known.has(name)) await make(`D1 database ${name}`, ['d1', 'create', name]);
  const titles = new Set((await listNamespaces()).map(({ title }) => title));
  for (const title of Object.values(wanted.namespaces))
    if (!titles.has(title)) await make(`KV namespace ${title}`, ['kv', 'namespace', 'create', title]);
  // These two have no list for programs.
  for (const name of wanted.buckets)
    if (!(await run(['r2', 'bucket', 'info', name, '--json'])).ok)
      await make(`R2 bucket ${name}`, ['r2', 'bucket', 'create', name]);
  for (const name of wanted.queues)
    if (!(await run(['queues', 'info', name])).ok) await make(`queue ${name}`, ['queues', 'create', name]);

  return {
    created,
    ids: {
      databases: Object.fromEntries((await listDatabases()).map(({ name, uuid }) => [name, uuid])),
      namespaces: Object.fromEntries((await listNamespaces()).map(({ title, id }) => [title, id])),
    },
  };
}
