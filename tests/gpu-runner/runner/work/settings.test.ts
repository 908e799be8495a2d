import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesContent } from '../../../../gpu-runner/runner/storage/content.ts';
import { openCache, openStore, type WorkSettings } from '../../../../gpu-runner/runner/work/settings.ts';
import { startFakePlatform, type FakePlatform } from '../fakePlatform.ts';
import { startS3Server, type S3Server } from '../storage/s3Server.ts';

let folder: string;
let platform: FakePlatform;
let s3: S3Server;
let settings: WorkSettings;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-settings-'));
  platform = await startFakePlatform();
  s3 = await startS3Server();
  settings = {
    control: { url: platform.url, key: platform.key },
    ...{ folder, cacheBytes: 1000, provider: 'cpu', retryDelayMs: 1 },
  };
});
afterAll(async () => {
  await platform.stop();
  await s3.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('openStore()', () => {
  it('puts blobs into the bucket and makes them known to the service, which sends nothing back', async () => {
    const store = openStore({ ...settings, s3: s3.access });
    const bytes = new Uint8Array([1, 2, 3]);
    const content = bytesContent(bytes);
    // The service looks into the same bucket.
    platform.bucket.set(content.sha256, Buffer.from(bytes));
    expect(await store.put(content)).toEqual({ sent: true });
    expect(platform.blobs.has(content.sha256)).toBe(true);
    expect(platform.requests.some((one) => one.includes('/parts/'))).toBe(false);

    platform.requests.length = 0;
    const cache = await openCache(settings, store);
    await cache.place(content, join(folder, 'placed'));
    expect(await readFile(join(folder, 'placed'))).toEqual(Buffer.from(bytes));
    expect(platform.requests).toEqual([]);
  });

  it('goes through the service where there is no bucket', async () => {
    const store = openStore(settings);
    const content = bytesContent(new Uint8Array([4, 5]));
    s3.requests.length = 0;
    await store.put(content);
    expect(await store.head(content.sha256)).toEqual({ sizeBytes: 2 });
    expect(s3.requests).toEqual([]);
  });
});
