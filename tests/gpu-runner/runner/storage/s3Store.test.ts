import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesContent, fileContent, type Content } from '../../../../gpu-runner/runner/storage/content.ts';
import { download } from '../../../../gpu-runner/runner/storage/download.ts';
import { S3Store, type S3StoreOptions } from '../../../../gpu-runner/runner/storage/s3Store.ts';
import { startS3Server, type S3Server } from './s3Server.ts';

const partBytes = 5 * 2 ** 20;
let server: S3Server;
let folder: string;
let store: S3Store;

beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-s3-'));
  store = storeOf();
  server.requests.length = 0;
});
afterEach(async () => {
  server.fault = () => undefined;
  server.damage = (body) => body;
  await rm(folder, { recursive: true, force: true });
});

const storeOf = (options: Partial<S3StoreOptions> = {}): S3Store =>
  new S3Store({ ...server.access, partBytes, ...options });

const large = () => new Uint8Array(randomBytes(2 * partBytes + 12345));
const sentParts = (): string[] => server.requests.filter((one) => one.includes('partNumber='));

/** Whether the store gives back exactly the content. */
async function givesBack(content: Content, from = store): Promise<boolean> {
  const path = join(folder, content.sha256);
  await writeFile(path, '');
  await download(from, content, path, { retryDelayMs: 1 });
  return (await readFile(path)).equals(await content.read(0, content.sizeBytes));
}

describe('S3Store against an S3 server', () => {
  it('stores a small blob in one request and gives it back, whole and from a byte on', async () => {
    const content = bytesContent(new Uint8Array(randomBytes(1000)));
    expect(await store.head(content.sha256)).toBeNull();
    expect(await store.put(content)).toEqual({ sent: true });
    expect(await store.head(content.sha256)).toEqual({ sizeBytes: 1000 });
    expect(await givesBack(content)).toBe(true);
    const rest = await new Response(await store.get(content.sha256, 990)).arrayBuffer();
    expect(Buffer.from(rest)).toEqual(Buffer.from(await content.read(990, 1000)));
  });

  it('stores a large file in equal parts, once', async () => {
    const bytes = large();
    await writeFile(join(folder, 'large'), bytes);
    const content = await fileContent(join(folder, 'large'));
    const progress: number[] = [];
    await store.put(content, { onProgress: (sent) => progress.push(sent) });
    expect(progress).toEqual([partBytes, 2 * partBytes, bytes.length]);
    expect(await givesBack(content)).toBe(true);
    expect(await store.put(content)).toEqual({ sent: false });
    expect(sentParts()).toHaveLength(3);
  });

  it('goes on with an upload that another process left, sending only what is missing', async () => {
    const content = bytesContent(large());
    const died = new AbortController();
    server.fault = ({ url }) => {
      if (!url.includes('partNumber=3')) return undefined;
      died.abort(new Error('killed'));
      return 'refuse';
    };
    await expect(store.put(content, { signal: died.signal })).rejects.toThrow('killed');
    server.fault = () => undefined;
    server.requests.length = 0;
    await storeOf().put(content);
    expect(sentParts().map((one) => /partNumber=(\d+)/.exec(one)?.[1])).toEqual(['3']);
    expect(await givesBack(content)).toBe(true);
  });

  it('sends a part again that another process left with other bytes', async () => {
    const content = bytesContent(large());
    const otherwise = {
      ...content,
      read: (from: number, to: number) => Promise.resolve(new Uint8Array(to - from)),
    };
    server.fault = ({ url }) => (url.includes('partNumber=2') ? 'refuse' : undefined);
    await expect(storeOf({ attempts: 1 }).put(otherwise)).rejects.toThrow(
      /503 SlowDown: SlowDown "as asked"/,
    );
    server.fault = () => undefined;
    await store.put(content);
    expect(await givesBack(content)).toBe(true);
  });

  it('survives one call in three failing, being cut off or its answer lost, and bytes damaged on the way', async () => {
    const content = bytesContent(large());
    const faults = ['refuse', 'cut', 'lose'] as const;
    server.fault = (_, count) => (count % 3 === 0 ? faults[(count / 3) % 3] : undefined);
    server.damage = (body, count) => {
      const damaged = Buffer.from(body);
      if (count % 4 === 1 && damaged.length > 1000) damaged[500] = (damaged[500] ?? 0) ^ 1;
      return damaged;
    };
    const patient = storeOf({ attempts: 12 });
    await patient.put(content);
    expect(await givesBack(content, patient)).toBe(true);
  });

  it('takes the completion of an upload for done when only its answer was lost', async () => {
    const content = bytesContent(large());
    let lost = 0;
    server.fault = ({ method, url }) =>
      method === 'POST' && url.includes('uploadId=') && (lost += 1) === 1 ? 'lose' : undefined;
    await store.put(content);
    expect(lost).toBe(2);
    expect(await store.head(content.sha256)).toEqual({ sizeBytes: content.sizeBytes });
  });

  it('signs in the address when asked', async () => {
    const content = bytesContent(large());
    const presigned = storeOf({ presigned: true });
    await presigned.put(content);
    expect(await givesBack(content, presigned)).toBe(true);
    expect(server.requests.every((one) => one.includes('X-Amz-Signature='))).toBe(true);
  });

  it('refuses content that changed since its digest was taken, and leaves no blob', async () => {
    const bytes = large();
    await writeFile(join(folder, 'changing'), bytes);
    const content = await fileContent(join(folder, 'changing'));
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    await writeFile(join(folder, 'changing'), bytes);
    const now = createHash('sha256').update(bytes).digest('hex');
    await expect(store.put(content)).rejects.toThrow(
      `its digest is ${now}, not ${content.sha256}: it has changed`,
    );
    expect(await store.head(content.sha256)).toBeNull();
  });

  it('says what a wrong secret leads to, without trying again', async () => {
    const stranger = storeOf({ secretAccessKey: 'wrong' });
    await expect(stranger.get('0'.repeat(64), 0)).rejects.toThrow(
      /^GET blobs\/0{64} at .* answered 403 SignatureDoesNotMatch: SignatureDoesNotMatch "as asked"$/,
    );
    expect(server.requests).toHaveLength(1);
  });

  it('gives up with the number of tries when the store stays away', async () => {
    server.fault = () => 'refuse';
    await expect(storeOf({ attempts: 3 }).head('0'.repeat(64))).rejects.toThrow(
      /answered 503.*\(tried 3 times\)$/,
    );
  });
});
