import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { commitUpload } from '../../../workers/domain/uploads/commit-upload.ts';
import { openUpload } from '../../../workers/domain/uploads/open-upload.ts';
import { receivePart } from '../../../workers/domain/uploads/receive-part.ts';
import { readBlob } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { freshStores } from '../fixtures.ts';

const partBytes = 5 * 1024 ** 2;
/** Whatever is larger than a part is too large for one write. */
const limits = { partBytes, putBytes: partBytes, uploadHours: 24 };
const by = { actor: 'tester', at: new Date().toISOString() };
let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

/** Two parts and a little, unlike any other of another seed. */
function contentOf(seed: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(2 * partBytes + 1000);
  for (let at = 0; at < content.length; at += 997) content[at] = seed + at;
  return content;
}

/** Sends `content` as what has that digest. */
async function send(content: Uint8Array<ArrayBuffer>, sha256: string): Promise<string> {
  const { upload } = await openUpload(stores, { sha256, sizeBytes: content.length }, limits, by);
  if (upload.state === 'stored') throw new Error('it is stored');
  expect(upload.parts).toBe(3);
  for (let part = 1; part <= upload.parts; part++) {
    const bytes = content.slice((part - 1) * partBytes, part * partBytes);
    const incoming = { upload: upload.id, part, sizeBytes: bytes.length, body: new Response(bytes).body };
    await receivePart(stores, incoming, limits, by);
  }
  return upload.id;
}

const commit = (from: Stores, id: string) => commitUpload(from, id, { trusted: false, limits }, by);

test('content that is too large for one write comes out as it went in', async () => {
  const content = contentOf(1);
  const sha256 = await sha256Hex(content);
  const id = await send(content, sha256);
  expect(await commit(stores, id)).toEqual({ state: 'stored', sha256, sizeBytes: content.length });
  const stored = await readBlob(env.BUNDLES, sha256);
  expect(stored && (await sha256Hex(stored))).toBe(sha256);
  expect((await env.BUNDLES.list({ prefix: 'uploads/' })).objects).toEqual([]);
});

test('of content that has another digest nothing is kept', async () => {
  const sha256 = await sha256Hex(contentOf(2));
  const id = await send(contentOf(3), sha256);
  await expect(commit(stores, id)).rejects.toMatchObject({
    code: 'unprocessable',
    message: `Cannot store blob ${sha256}: the SHA-256 of the content sent is another one.`,
  });
  expect(await env.BUNDLES.head(`blobs/${sha256}`)).toBeNull();
});

test('a storage that fails at a part leaves nothing, and the commit can be asked again', async () => {
  const content = contentOf(4);
  const sha256 = await sha256Hex(content);
  const id = await send(content, sha256);
  const failing = new Proxy(stores.bucket, {
    get(bucket, name) {
      if (name !== 'createMultipartUpload') {
        const value: unknown = Reflect.get(bucket, name);
        return typeof value === 'function' ? (value.bind(bucket) as unknown) : value;
      }
      return async (key: string) => {
        const upload = await bucket.createMultipartUpload(key);
        return {
          uploadPart: (part: number, body: ReadableStream) =>
            part === 2 ? Promise.reject(new Error('broken')) : upload.uploadPart(part, body),
          complete: (parts: R2UploadedPart[]) => upload.complete(parts),
          abort: () => upload.abort(),
        };
      };
    },
  });
  await expect(commit({ ...stores, bucket: failing }, id)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await env.BUNDLES.head(`blobs/${sha256}`)).toBeNull();
  expect(await commit(stores, id)).toMatchObject({ state: 'stored' });
});
