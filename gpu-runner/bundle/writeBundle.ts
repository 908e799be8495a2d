import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder, writeFileAtomically } from '../data/writeFileAtomically.ts';
import type { Bundle } from './bundle.ts';

/**
 * Writes a bundle as a new folder: manifest.json and its files. The folder appears whole or not at all, also after a crash.
 *
 * @param partial a folder of the caller's own where it is put together, on the same disk; what lies there is removed.
 * Without one it is put together beside the bundle, and whoever is killed meanwhile leaves it there.
 * @throws {Error} when the folder exists, even empty: bundles never change; or when it cannot be written, e.g. on a full disk
 */
export async function writeBundle(folder: string, bundle: Bundle, partial?: string): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target)) throw new Error(`Cannot write bundle ${folder}: it exists`);
  const beside = partial ?? `${target}.${randomUUID()}.partial`;
  try {
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside, { recursive: true });
    for (const [path, bytes] of bundle.files) await writeFileAtomically(join(beside, path), bytes);
    await writeFileAtomically(join(beside, 'manifest.json'), bundle.manifestBytes);
    await mkdir(dirname(target), { recursive: true });
    // Fails when somebody else wrote the folder meanwhile.
    await rename(beside, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write bundle ${folder}: ${reason}`, { cause });
  } finally {
    // What hides the first error must not.
    await rm(beside, { recursive: true, force: true }).catch(() => undefined);
  }
}
