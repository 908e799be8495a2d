import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { UploadSource } from '../../client/uploads.ts';

/** A file whose digest is known. */
export interface HashedFile {
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Hashes a file without holding it in memory.
 *
 * @param onProgress told the bytes that are hashed
 */
export async function hashFile(
  file: string,
  onProgress?: (hashedBytes: number, sizeBytes: number) => void,
  signal?: AbortSignal,
): Promise<HashedFile> {
  const { size } = await stat(file);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20, ...(signal && { signal }) })) {
    hash.update(chunk as Uint8Array);
    sizeBytes += (chunk as Uint8Array).length;
    onProgress?.(sizeBytes, size);
  }
  return { file, sha256: hash.digest('hex'), sizeBytes };
}

/**
 * Gives a file's parts to an upload for as long as `use` takes.
 *
 * @throws {Error} when the file became shorter meanwhile
 */
export async function withFileSource<T>(
  { file, sha256, sizeBytes }: HashedFile,
  use: (source: UploadSource) => Promise<T>,
): Promise<T> {
  const handle = await open(file);
  try {
    return await use({ sha256, sizeBytes, read: (offset, length) => readAt(handle, file, offset, length) });
  } finally {
    await handle.close();
  }
}

async function readAt(
  handle: FileHandle,
  file: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0)
      throw new Error(`Cannot read ${file}: it ends at byte ${offset + filled}, it changed meanwhile`);
    filled += bytesRead;
  }
  return bytes;
}
