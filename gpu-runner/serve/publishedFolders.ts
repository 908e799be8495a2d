import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashKey, keyId, type Scope } from '../../shared/keys.ts';
import type { Manifest } from '../../shared/manifest.ts';
import { blobKey, grantKey, manifestKey, routingKey, type Published } from '../../workers/store/published.ts';
import { readBundle } from '../bundle/readBundle.ts';

/** One bundle on disk. */
export interface BundleFolder {
  readonly folder: string;
  /** SHA-256 of the manifest's bytes. */
  readonly id: string;
  readonly manifest: Manifest;
}

/**
 * Bundle folders as if they had been published: one endpoint that answers every task of every folder. All files are
 * checked now, and read again when they are asked for.
 *
 * @param keys what may ask; each has the scopes infer and read
 * @throws {Error} when a folder holds no whole bundle, or two of them answer the same task
 */
export async function publishFolders(
  endpoint: string,
  folders: readonly string[],
  keys: readonly string[] = [],
): Promise<{ readonly published: Published; readonly bundles: readonly BundleFolder[] }> {
  const bundles: BundleFolder[] = [];
  const tasks = new Map<string, { folder: string; bundle: string }>();
  /** Where the content of a key lies. */
  const contents = new Map<string, string>();
  for (const folder of folders) {
    const { id, manifest } = await readBundle(folder);
    bundles.push({ folder, id, manifest });
    contents.set(manifestKey(id), join(folder, 'manifest.json'));
    for (const { path, sha256 } of manifest.files) contents.set(blobKey(sha256), join(folder, path));
    for (const { task } of manifest.heads) {
      const other = tasks.get(task);
      if (other) throw new Error(`Cannot serve ${folder}: ${other.folder} answers task "${task}" as well`);
      tasks.set(task, { folder, bundle: id });
    }
  }
  const pointers = new Map<string, unknown>([
    [
      routingKey(endpoint),
      {
        endpoint,
        revision: 1,
        tasks: Object.fromEntries(Array.from(tasks, ([task, { bundle }]) => [task, { bundle }])),
        experiments: [],
      },
    ],
  ]);
  for (const key of keys) {
    const id = keyId(key);
    if (id === null) throw new Error('Cannot serve: the key given does not have the form of an API key');
    pointers.set(grantKey(await hashKey(key)), { id, scopes: ['infer', 'read'] satisfies Scope[] });
  }
  return { published: { bundles: reader(contents), routing: pointersOf(pointers) }, bundles };
}

const reader = (paths: ReadonlyMap<string, string>): Published['bundles'] => ({
  async get(key) {
    const bytes = await whenThere(paths.get(key), (path) => readFile(path));
    return bytes && { arrayBuffer: () => Promise.resolve(new Uint8Array(bytes).buffer) };
  },
  head: (key) => whenThere(paths.get(key), async (path) => ({ size: (await stat(path)).size })),
});

/** Null for a file that is not there: to the reader it is not in storage. */
async function whenThere<T>(path: string | undefined, read: (path: string) => Promise<T>): Promise<T | null> {
  if (path === undefined) return null;
  try {
    return await read(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

const pointersOf = (values: ReadonlyMap<string, unknown>): Published['routing'] => ({
  get: (key) => Promise.resolve(values.get(key) ?? null),
  list: ({ prefix }) =>
    Promise.resolve({
      keys: [...values.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name })),
      list_complete: true,
    }),
});
