import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cut, sizeOf, type Pieces } from '../engine/pieces.ts';

/**
 * Puts bytes into a file so that whoever reads it, also after a crash, finds the old bytes or the new ones, never a part:
 * they are written beside it, flushed to the disk, and renamed. One writer a file at a time.
 *
 * @throws {Error} when they cannot be written, e.g. on a full disk; what was there is left as it was.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array | Pieces): Promise<void> {
  const partial = `${path}.partial`;
  const pieces = bytes instanceof Uint8Array ? [bytes as Uint8Array<ArrayBuffer>] : bytes;
  try {
    const file = await open(partial, 'w');
    try {
      for (const piece of cut(pieces)) await file.writeFile(piece);
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
    throw new Error(`Cannot write ${sizeOf(pieces)} bytes to ${path}: ${reason}`, { cause });
  }
}

/** Makes a rename in a folder survive a power cut. Windows cannot open folders, and needs no such thing. */
export async function syncFolder(path: string): Promise<void> {
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
