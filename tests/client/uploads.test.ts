import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HttpClient } from '../../client/http.ts';
import { Uploads } from '../../client/uploads.ts';
import { fakeService, json, refusal, type Asked } from './fakeService.ts';

const sha256 = 'a'.repeat(64);
const id = 'b'.repeat(32);

/** The service's side of one upload; `fails` says which of the requests (counted from 0) break. */
function fakeUploads(content: Uint8Array, partBytes: number, fails: (request: number) => boolean) {
  const parts = new Map<number, Uint8Array>();
  let stored = false;
  let requests = 0;
  const count = Math.ceil(content.length / partBytes);
  const view = () =>
    stored
      ? { state: 'stored', sha256, sizeBytes: content.length }
      : {
          ...{ state: 'open', id, sha256, sizeBytes: content.length, partBytes, parts: count },
          received: [...parts.keys()],
          expiresAt: '2027-01-01T00:00:00Z',
        };
  const answer = ({ method, url, body }: Asked): Response => {
    if (fails(requests++)) throw new TypeError('fetch failed', { cause: new Error('socket hang up') });
    const part = /\/parts\/(\d+)$/.exec(url.pathname)?.[1];
    if (method === 'PUT' && part !== undefined) {
      const expected = Math.min(partBytes, content.length - (Number(part) - 1) * partBytes);
      if (body.length !== expected)
        return refusal(400, 'invalid', `Part ${part} must have ${expected} bytes.`);
      parts.set(Number(part), body);
      return json({ part: Number(part), sizeBytes: body.length, expiresAt: '2027-01-01T00:00:00Z' });
    }
    if (url.pathname.endsWith('/commit')) {
      if (parts.size < count) return refusal(409, 'conflict', `${count - parts.size} parts are missing.`);
      stored = true;
    }
    return json(view());
  };
  return {
    answer,
    whole: () => Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)),
    isStored: () => stored,
  };
}

const source = (content: Uint8Array<ArrayBuffer>) => ({
  sha256,
  sizeBytes: content.length,
  read: (offset: number, length: number) => Promise.resolve(content.slice(offset, offset + length)),
});

test('send() sends equal parts and a shorter last one, and tells how far it is', async () => {
  const content = Uint8Array.from({ length: 25 }, (_, i) => i);
  const service = fakeUploads(content, 10, () => false);
  const { options } = fakeService(service.answer);
  const told: number[] = [];
  const uploads = new Uploads(new HttpClient(options));
  expect(await uploads.send(source(content), { onProgress: (sent) => told.push(sent), parallel: 1 })).toBe(
    'sent',
  );
  expect(service.whole()).toEqual(Buffer.from(content));
  expect(told).toEqual([0, 10, 20, 25]);
  expect(await uploads.send(source(content))).toBe('present');
});

test('send() stores an empty file', async () => {
  const service = fakeUploads(new Uint8Array(0), 10, () => false);
  const { options } = fakeService(service.answer);
  expect(await new Uploads(new HttpClient(options)).send(source(new Uint8Array(0)))).toBe('sent');
  expect(service.isStored()).toBe(true);
});

test('send() goes on where an interrupted one was, whichever requests break', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      async (bytes, partBytes, broken) => {
        const content = new Uint8Array(bytes);
        const service = fakeUploads(content, partBytes, (request) => broken[request] ?? false);
        const { options, asked } = fakeService(service.answer);
        const uploads = new Uploads(new HttpClient({ ...options, attempts: 1 }));
        // Each failure ends one process; the next begins anew.
        for (let life = 0; !service.isStored() && life < 50; life++)
          await uploads.send(source(content), { parallel: 2 }).catch(() => undefined);
        expect(service.isStored()).toBe(true);
        expect(service.whole()).toEqual(Buffer.from(content));
        const kept = asked.filter(({ url }) => url.pathname.includes('/parts/')).length;
        const failed = broken.filter(Boolean).length;
        // No part that arrived was sent again.
        expect(kept).toBeLessThanOrEqual(Math.ceil(content.length / partBytes) + failed);
      },
    ),
    { numRuns: 60 },
  );
});

test("send() tells the service's reason when it refuses", async () => {
  const { options } = fakeService(() => refusal(413, 'too-large', 'The file has too many bytes.'));
  await expect(new Uploads(new HttpClient(options)).send(source(new Uint8Array(3)))).rejects.toThrow(
    'POST /v1/uploads answered 413: The file has too many bytes.',
  );
});
