import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Bundle } from './bundle.ts';

/**
 * Writes a bundle as a new folder: manifest.json and its files. The folder appears whole or not at all.
 *
 * @throws {Error} when the folder exists, even empty: bundles never change
 */
export async function writeBundle(folder: string, bundle: Bundle): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target)) throw new Error(`Cannot write bundle: ${folder} exists`);
  const partial = `${target}.${randomUUID()}.partial`;
  await mkdir(partial, { recursive: true });
  try {
    for (const [path, bytes] of bundle.files) await writeFile(join(partial, path), bytes, { flag: 'wx' });
    await writeFile(join(partial, 'manifest.json'), bundle.manifestBytes, { flag: 'wx' });
    // Fails when somebody else wrote the folder meanwhile.
    await rename(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
