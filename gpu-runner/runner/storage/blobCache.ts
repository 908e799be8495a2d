import { randomUUID } from 'node:crypto';
import { chmod, copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from './content.ts';
import { download, type DownloadOptions } from './download.ts';
import type { ObjectStore } from './objectStore.ts';

export interface BlobCacheOptions {
  /** Most bytes that blobs and downloads take together. */
  readonly maxBytes: number;
  readonly store: ObjectStore;
  readonly retryDelayMs?: number | undefined;
}

export interface Blob {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  /** Blobs found damaged and fetched again. */
  readonly damaged: number;
  readonly evicted: number;
}

/** A download nobody has written to for so long belongs to a process that died. */
const abandonedMs = 15 * 60_000;

interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedAt: number;
  /** Hard links besides the cache's own: files in somebody's hands. */
  readonly inUse: boolean;
  readonly download: boolean;
}

/**
 * Blobs on the local disk, by digest, the least recently used leaving first. What a caller gets is a hard link in a
 * folder of its own: it stays whole whatever the cache does, and as long as it is there the blob counts as in use and
 * stays. Space is taken before a download begins, by a file of the blob's full size; a blob appears under its name in
 * one step, and its content is verified each time it is handed out. So a process may die anywhere, and several may share
 * the folder.
 */
export class BlobCache {
  readonly #folder: string;
  readonly #options: BlobCacheOptions;
  /** Downloads and checks under way in this process, by digest. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #counts = { hits: 0, misses: 0, damaged: 0, evicted: 0 };
  /** Making room is one at a time. */
  #roomMade: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, options: BlobCacheOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** @throws {Error} when the folder cannot be made */
  static async open(folder: string, options: BlobCacheOptions): Promise<BlobCache> {
    await mkdir(folder, { recursive: true });
    return new BlobCache(folder, options);
  }

  get counts(): CacheCounts {
    return { ...this.#counts };
  }

  /** Bytes taken on the disk. */
  async usedBytes(): Promise<number> {
    return sum(await this.#entries());
  }

  /**
   * Puts a blob at `target`, which must not exist, as a file that is not to be written to.
   *
   * @throws {Error} when the blob cannot be had, or does not fit beside what is in use
   */
  async place(blob: Blob, target: string, options: DownloadOptions = {}): Promise<void> {
    for (;;) {
      const pending = this.#pending.get(blob.sha256);
      if (pending) {
        await pending.catch(() => undefined);
        options.signal?.throwIfAborted();
        continue;
      }
      const work = this.#place(blob, target, options);
      this.#pending.set(blob.sha256, work);
      try {
        await work;
        return;
      } finally {
        this.#pending.delete(blob.sha256);
      }
    }
  }

  async #place(blob: Blob, target: string, options: DownloadOptions): Promise<void> {
    if (await this.#placeCached(blob, target, options.signal)) {
      this.#counts.hits += 1;
      return;
    }
    this.#counts.misses += 1;
    const { store, retryDelayMs } = this.#options;
    const partial = join(this.#folder, `${blob.sha256}.${randomUUID()}.partial`);
    try {
      await this.#reserve(partial, blob);
      await download(store, blob, partial, { retryDelayMs, ...options });
      await chmod(partial, 0o444);
      await linkOrCopy(partial, target);
      await rename(partial, this.#pathOf(blob));
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Whether it was there. The link is made first, so that what is verified is what is handed out. */
  async #placeCached(blob: Blob, target: string, signal: AbortSignal | undefined): Promise<boolean> {
    const path = this.#pathOf(blob);
    try {
      await linkOrCopy(path, target);
    } catch (error) {
      if (isCode(error, 'ENOENT') && (await isMissing(path))) return false;
      throw error;
    }
    try {
      const { size } = await stat(target);
      if (size === blob.sizeBytes && (await fileDigest(target, signal)) === blob.sha256) {
        const now = new Date();
        // Gone meanwhile: evicted by another process, and no matter.
        await utimes(path, now, now).catch(() => undefined);
        return true;
      }
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    }
    this.#counts.damaged += 1;
    await rm(target, { force: true });
    await rm(path, { force: true });
    return false;
  }

  /**
   * Takes the space of a blob by a file of its size, and evicts until all is within the limit.
   *
   * @throws {Error} when too much is in use
   */
  async #reserve(partial: string, blob: Blob): Promise<void> {
    const { maxBytes } = this.#options;
    const refuse = (reason: string): Error =>
      new Error(`Cannot cache ${blob.sha256}: it has ${blob.sizeBytes} bytes, ${reason}`);
    if (blob.sizeBytes > maxBytes) throw refuse(`the cache holds ${maxBytes} in all`);
    const file = await open(partial, 'wx');
    try {
      await file.truncate(blob.sizeBytes);
    } finally {
      await file.close();
    }
    const room = this.#roomMade.then(async () => {
      const entries = await this.#entries();
      let used = sum(entries);
      const idle = entries.filter((entry) => !entry.inUse && !entry.download);
      for (const entry of idle.sort((a, b) => a.usedAt - b.usedAt)) {
        if (used <= maxBytes) break;
        await rm(entry.path, { force: true });
        this.#counts.evicted += 1;
        used -= entry.sizeBytes;
      }
      if (used > maxBytes)
        throw refuse(`${used - blob.sizeBytes} of ${maxBytes} are in use or being downloaded`);
    });
    this.#roomMade = room.catch(() => undefined);
    await room;
  }

  /** What lies in the folder. Removes what dead processes left half-way. */
  async #entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (!info?.isFile()) continue;
      const isDownload = name.endsWith('.partial');
      if (isDownload && Date.now() - info.mtimeMs > abandonedMs) {
        await rm(path, { force: true });
        continue;
      }
      const { size: sizeBytes, mtimeMs: usedAt, nlink } = info;
      entries.push({ path, sizeBytes, usedAt, inUse: nlink > 1, download: isDownload });
    }
    return entries;
  }

  #pathOf({ sha256 }: Blob): string {
    return join(this.#folder, sha256);
  }
}

const sum = (entries: readonly Entry[]): number =>
  entries.reduce((total, { sizeBytes }) => total + sizeBytes, 0);

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const isMissing = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    () => true,
  );

/** A second name for the same file, or a copy where the file system has no such thing. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].some((code) => isCode(error, code))) throw error;
    await copyFile(from, to);
  }
}
