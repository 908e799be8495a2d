import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { download, type DownloadOptions } from '../../../../gpu-runner/runner/storage/download.ts';
import { memoryStore, type MemoryStore } from './memoryStore.ts';

let folder: string;
let path: string;
let store: MemoryStore;
const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-download-'));
  path = join(folder, 'blob');
  await writeFile(path, '');
  store = memoryStore();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (blob: { sha256: string; sizeBytes: number }, options: DownloadOptions = {}): Promise<void> =>
  download(store, blob, path, { retryDelayMs: 1, ...options });

it('download() writes the blob and tells how far it is', async () => {
  const progress: number[] = [];
  store.serve = (rest) => [rest.subarray(0, 400), rest.subarray(400)];
  await run(store.add(bytes), { onProgress: (received) => progress.push(received) });
  expect(await readFile(path)).toEqual(Buffer.from(bytes));
  expect(progress).toEqual([400, 1000]);
});

it('download() makes an empty file of an empty blob', async () => {
  await run(store.add(new Uint8Array(0)));
  expect(await readFile(path)).toHaveLength(0);
});

it('download() goes on at the byte where the connection broke off, however often, while bytes come', async () => {
  store.serve = function* (rest) {
    yield rest.subarray(0, 70);
    if (rest.length > 70) throw new Error('reset');
  };
  await run(store.add(bytes));
  expect(await readFile(path)).toEqual(Buffer.from(bytes));
  expect(store.connections).toEqual(Array.from({ length: 15 }, (_, index) => 70 * index));
});

it('download() gives a connection up that brings nothing more', async () => {
  store.serve = (rest, connection) =>
    connection === 1 ? [rest.subarray(0, 300), new Uint8Array(0)] : [rest];
  await run(store.add(bytes), { stallMs: 20 });
  expect(store.connections).toEqual([0, 300]);
});

it('download() gives up when connections bring nothing', async () => {
  store.serve = () => [];
  const blob = store.add(bytes);
  await expect(run(blob)).rejects.toThrow(
    `Cannot download ${blob.sha256}: it ended at byte 0 of 1000 (tried 6 times)`,
  );
});

it('download() refuses content of another digest, and more of it than told', async () => {
  const blob = store.add(bytes);
  store.serve = () => [new Uint8Array(1000)];
  await expect(run(blob)).rejects.toThrow(/^Cannot download .*: its content has the digest [0-9a-f]{64}$/);
  store.serve = () => [new Uint8Array(1001)];
  await expect(run(blob)).rejects.toThrow('it has more than the 1000 bytes it should have');
  expect(store.connections).toHaveLength(2);
});

it('download() ends when it is aborted, also on a connection that hangs', async () => {
  const stop = new AbortController();
  store.serve = (rest) => [rest.subarray(0, 10), new Uint8Array(0)];
  const running = run(store.add(bytes), {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  });
  await expect(running).rejects.toThrow('enough');
});
