import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesContent } from '../../../../gpu-runner/runner/storage/content.ts';
import { ControlStore } from '../../../../gpu-runner/runner/storage/controlStore.ts';
import { startFakePlatform, type FakePlatform } from '../fakePlatform.ts';

let platform: FakePlatform;
let store: ControlStore;

beforeEach(async () => {
  platform = await startFakePlatform();
  platform.partBytes = 1000;
  store = new ControlStore({ url: platform.url, key: platform.key, retryDelayMs: 1, attempts: 8 });
});
afterEach(() => platform.stop());

const content = (sizeBytes = 3500) => bytesContent(new Uint8Array(randomBytes(sizeBytes)));
const parts = (): string[] =>
  platform.requests.flatMap((one) => /^PUT .*\/parts\/(\d+)$/.exec(one)?.[1] ?? []);

describe('ControlStore', () => {
  it('sends a file in the parts that the service asks for, and gives it back from any byte', async () => {
    const sent = content();
    expect(await store.head(sent.sha256)).toBeNull();
    const progress: number[] = [];
    expect(await store.put(sent, { onProgress: (bytes) => progress.push(bytes) })).toEqual({ sent: true });
    expect(progress).toEqual([1000, 2000, 3000, 3500]);
    expect(await store.head(sent.sha256)).toEqual({ sizeBytes: 3500 });
    const rest = await new Response(await store.get(sent.sha256, 3000)).arrayBuffer();
    expect(Buffer.from(rest)).toEqual(Buffer.from(await sent.read(3000, 3500)));
  });

  it('sends nothing of what is there', async () => {
    const sent = content(10);
    await store.put(sent);
    expect(await store.put(sent)).toEqual({ sent: false });
    expect(parts()).toEqual(['1']);
  });

  it('stores an empty file', async () => {
    const empty = content(0);
    await store.put(empty);
    expect(await store.head(empty.sha256)).toEqual({ sizeBytes: 0 });
  });

  it('goes on with the upload of a process that died', async () => {
    const sent = content();
    const died = new AbortController();
    platform.fault = (request) => {
      if (!request.endsWith('/parts/3')) return undefined;
      died.abort(new Error('killed'));
      return 503;
    };
    await expect(store.put(sent, { signal: died.signal })).rejects.toThrow('killed');
    platform.fault = () => undefined;
    platform.requests.length = 0;
    await store.put(sent);
    expect(parts()).toEqual(['3', '4']);
    expect(platform.blobs.has(sent.sha256)).toBe(true);
  });

  it('survives one call in three failing, half of them after they were carried out', async () => {
    platform.fault = (_, count) => (count % 3 !== 0 ? undefined : count % 2 === 0 ? 'lose' : 503);
    const sent = content(9500);
    await store.put(sent);
    expect(platform.blobs.get(sent.sha256)?.equals(await sent.read(0, 9500))).toBe(true);
  });

  it('begins anew when the upload at hand is gone', async () => {
    let gone = 0;
    platform.fault = (request) => (request.endsWith('/parts/2') && (gone += 1) === 1 ? 404 : undefined);
    const sent = content();
    await store.put(sent);
    expect(platform.blobs.has(sent.sha256)).toBe(true);
  });

  it('refuses with the words of the service what is not what its digest says', async () => {
    const sent = content();
    const other = { ...sent, read: (from: number, to: number) => Promise.resolve(new Uint8Array(to - from)) };
    await expect(store.put(other)).rejects.toThrow(/answered 422: Its digest is [0-9a-f]{64}\.$/);
    expect(platform.blobs.size).toBe(0);
  });

  it('tells the service of a blob that was put into its bucket, and sends it where there is another bucket', async () => {
    const [inBucket, elsewhere] = [content(), content()];
    platform.bucket.set(inBucket.sha256, Buffer.from(await inBucket.read(0, 3500)));
    await store.adopt(inBucket);
    expect([platform.blobs.has(inBucket.sha256), parts()]).toEqual([true, []]);
    await store.adopt(elsewhere);
    expect([platform.blobs.has(elsewhere.sha256), parts()]).toEqual([true, ['1', '2', '3', '4']]);
    await store.adopt(elsewhere);
    expect(parts()).toHaveLength(4);
  });

  it('says that a blob is not there', async () => {
    await expect(store.get('0'.repeat(64), 0)).rejects.toThrow(
      `GET /v1/blobs/${'0'.repeat(64)} answered 404: There is no such blob.`,
    );
  });
});
