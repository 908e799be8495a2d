import { expect, test } from 'vitest';
import { readBody } from '../../../workers/edge/body.ts';

const post = (body: BodyInit | null, headers: Record<string, string> = {}): Request =>
  new Request('http://edge/', { method: 'POST', body, headers });
const compress = async (bytes: Uint8Array, format: 'gzip' | 'deflate'): Promise<ArrayBuffer> =>
  new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream(format))).arrayBuffer();
/** A body whose length nobody declares. */
const streamed = (chunks: Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 7);

test.each(['gzip', 'deflate'] as const)('readBody() decompresses %s', async (format) => {
  const request = post(await compress(bytes, format), { 'content-encoding': format });
  expect(await readBody(request, 1000)).toEqual(bytes);
});

test('readBody() reads plain, streamed and missing bodies', async () => {
  expect(await readBody(post(bytes), 1000)).toEqual(bytes);
  const parts = [bytes.slice(0, 300), bytes.slice(300)];
  expect(await readBody(post(streamed(parts)), 1000)).toEqual(bytes);
  expect(await readBody(post(null), 1000)).toHaveLength(0);
});

test('readBody() refuses a body above the limit, declared or not, and stops reading it', async () => {
  await expect(readBody(post(bytes, { 'content-length': '1000' }), 999)).rejects.toMatchObject({
    code: 'too-large',
    message: 'The body is too large: it has 1000 bytes, the limit is 999; send a smaller batch',
  });
  const chunks = Array.from({ length: 10 }, () => bytes.slice());
  await expect(readBody(post(streamed(chunks)), 1500)).rejects.toMatchObject({ code: 'too-large' });
  expect(chunks.length).toBeGreaterThan(5);
});

test('readBody() refuses a small body that decompresses above the limit', async () => {
  const bomb = await compress(new Uint8Array(1_000_000), 'gzip');
  expect(bomb.byteLength).toBeLessThan(2_000);
  await expect(readBody(post(bomb, { 'content-encoding': 'gzip' }), 2_000)).rejects.toMatchObject({
    code: 'too-large',
  });
});

test('readBody() refuses other encodings and damaged data', async () => {
  await expect(readBody(post(bytes, { 'content-encoding': 'br' }), 1000)).rejects.toMatchObject({
    code: 'unsupported',
    message: 'Cannot read the body: Content-Encoding "br" is not supported; send gzip, deflate or none',
  });
  await expect(readBody(post(bytes, { 'content-encoding': 'gzip' }), 1000)).rejects.toMatchObject({
    code: 'invalid',
    message: 'Cannot read the body: it is not valid gzip',
  });
});
