import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobCache, type Blob } from '../../../../gpu-runner/runner/storage/blobCache.ts';
import { memoryStore, type MemoryStore } from './memoryStore.ts';

let folder: string;
let work: string;
let store: MemoryStore;
let targets = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-cache-'));
  work = await mkdtemp(join(tmpdir(), 'trunkline-work-'));
  store = memoryStore();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(work, { recursive: true, force: true });
});

const open = (maxBytes = 1000): Promise<BlobCache> =>
  BlobCache.open(folder, { maxBytes, store, retryDelayMs: 1 });
/** A blob of so many equal bytes. */
const blobOf = (sizeBytes: number, fill: number): Blob => store.add(new Uint8Array(sizeBytes).fill(fill));
const newTarget = (): string => join(work, String((targets += 1)));

/** Takes a blob and puts it away again. */
async function use(cache: BlobCache, blob: Blob): Promise<void> {
  const target = newTarget();
  await cache.place(blob, target);
  await rm(target);
}

const downloads = (): number => store.connections.length;

describe('BlobCache', () => {
  it('fetches a blob once and hands it out as a file that cannot be written to', async () => {
    const cache = await open();
    const blob = blobOf(100, 1);
    const targets = [newTarget(), newTarget()];
    for (const target of targets) await cache.place(blob, target);
    for (const target of targets) expect((await readFile(target)).equals(Buffer.alloc(100, 1))).toBe(true);
    expect((await stat(targets[0] ?? '')).mode & 0o222).toBe(0);
    expect(downloads()).toBe(1);
    expect(cache.counts).toEqual({ hits: 1, misses: 1, damaged: 0, evicted: 0 });
  });

  it('fetches a blob once when many ask at the same time', async () => {
    const cache = await open();
    const blob = blobOf(100, 1);
    await Promise.all(Array.from({ length: 8 }, () => cache.place(blob, newTarget())));
    expect(downloads()).toBe(1);
    expect(await cache.usedBytes()).toBe(100);
  });

  it('is still there for the next process', async () => {
    const blob = blobOf(100, 1);
    await use(await open(), blob);
    await use(await open(), blob);
    expect(downloads()).toBe(1);
  });

  it('lets the least recently used leave, before the next download begins', async () => {
    const cache = await open();
    const [a, b, c] = [blobOf(400, 1), blobOf(400, 2), blobOf(400, 3)];
    await use(cache, a);
    await use(cache, b);
    // Times of files may be as coarse as the test is fast.
    await utimes(join(folder, a.sha256), 1, 1);
    await utimes(join(folder, b.sha256), 2, 2);
    await use(cache, a);
    const there: string[][] = [];
    store.serve = function* (rest) {
      there.push(readdirSync(folder).filter((name) => !name.endsWith('.partial')));
      yield rest;
    };
    await use(cache, c);
    expect(there).toEqual([[a.sha256]]);
    expect(await readdir(folder)).toEqual([a.sha256, c.sha256].sort());
    expect(await cache.usedBytes()).toBe(800);
    expect(cache.counts.evicted).toBe(1);
  });

  it('keeps what is in use and refuses what does not fit beside it, with the numbers', async () => {
    const cache = await open();
    const held = newTarget();
    await cache.place(blobOf(700, 1), held);
    const next = blobOf(400, 2);
    await expect(cache.place(next, newTarget())).rejects.toThrow(
      `Cannot cache ${next.sha256}: it has 400 bytes, 700 of 1000 are in use or being downloaded`,
    );
    expect(downloads()).toBe(1);
    await rm(held);
    await use(cache, next);
    expect(await cache.usedBytes()).toBe(400);
  });

  it('refuses a blob larger than itself without asking the store', async () => {
    const cache = await open();
    const blob = blobOf(1001, 1);
    await expect(cache.place(blob, newTarget())).rejects.toThrow(
      'it has 1001 bytes, the cache holds 1000 in all',
    );
    expect(downloads()).toBe(0);
  });

  it('finds a damaged blob when it is read and fetches it again', async () => {
    const cache = await open();
    const blob = blobOf(100, 1);
    await use(cache, blob);
    const path = join(folder, blob.sha256);
    await chmod(path, 0o644);
    await writeFile(path, Buffer.alloc(100, 9));
    const target = newTarget();
    await cache.place(blob, target);
    expect((await readFile(target)).equals(Buffer.alloc(100, 1))).toBe(true);
    expect(cache.counts.damaged).toBe(1);
  });

  it('leaves nothing behind of a download that fails', async () => {
    const cache = await open();
    const blob = blobOf(100, 1);
    store.serve = () => [new Uint8Array(100)];
    await expect(cache.place(blob, newTarget())).rejects.toThrow('its content has the digest');
    expect(await readdir(folder)).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  });

  it('counts the downloads of others, and removes those that nobody goes on with', async () => {
    const cache = await open();
    const theirs = join(folder, `${'0'.repeat(64)}.other.partial`);
    await writeFile(theirs, Buffer.alloc(800));
    const blob = blobOf(300, 1);
    await expect(cache.place(blob, newTarget())).rejects.toThrow(
      '800 of 1000 are in use or being downloaded',
    );
    await utimes(theirs, 1, 1);
    await use(cache, blob);
    expect(await readdir(folder)).toEqual([blob.sha256]);
  });

  it('survives a process that is killed in the middle of a download', async () => {
    const blob = blobOf(100, 1);
    const script = `
      const { BlobCache } = await import(${JSON.stringify(new URL('../../../../gpu-runner/runner/storage/blobCache.ts', import.meta.url).href)});
      const store = { get: async () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array(40).fill(1)); } }) };
      const cache = await BlobCache.open(${JSON.stringify(folder)}, { maxBytes: 1000, store });
      await cache.place(${JSON.stringify(blob)}, ${JSON.stringify(newTarget())}, { onProgress: () => console.log('half') });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await readdir(folder)).toHaveLength(1);
    const cache = await open();
    await use(cache, blob);
    expect(downloads()).toBe(1);
    expect(await cache.usedBytes()).toBe(200);
  });

  it('never takes more than its limit, whoever asks for what at the same time', async () => {
    const caches = [await open(), await open()];
    const blobs = Array.from({ length: 12 }, (_, index) => blobOf(90 + index, index));
    let largest = 0;
    store.serve = function* (rest) {
      yield rest.subarray(0, 50);
      yield rest.subarray(50);
    };
    const written = new Map<number, number>();
    const outcomes = await Promise.allSettled(
      blobs.flatMap((blob, index) =>
        caches.map(async (cache, side) => {
          const id = 2 * index + side;
          const target = newTarget();
          await cache.place(blob, target, {
            onProgress(received) {
              written.set(id, received);
              largest = Math.max(
                largest,
                [...written.values()].reduce((a, b) => a + b, 0),
              );
            },
          });
          written.delete(id);
          await rm(target);
        }),
      ),
    );
    const refused = outcomes.filter((one) => one.status === 'rejected').map((one) => String(one.reason));
    expect(refused.every((reason) => reason.includes('in use or being downloaded'))).toBe(true);
    expect(largest).toBeLessThanOrEqual(1000);
    expect(await caches[0]?.usedBytes()).toBeLessThanOrEqual(1000);
  });
});
