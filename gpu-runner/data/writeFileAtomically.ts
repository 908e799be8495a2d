import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts bytes into a file so that whoever reads it, also after a crash, finds the old bytes or the new ones, never a part:
 * they are written beside it, flushed to the disk, and renamed. One writer a file at a time.
 *
 * @throws {Error} when they cannot be written, e.g. on a full disk; what was there is left as it was.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    // What hides the first error must not: a full disk often lets files be removed, a broken one does not.
    await rm(partial, { force: true }).catch(() => undefined);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write ${bytes.length} bytes to ${path}: ${reason}`, { cause });
  }
}

/** Makes a rename survive a power cut. Windows cannot open folders, and needs no such thing. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle;
  try {
    folder = await open(path, 'r');
  } catch {
    return;
  }
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
