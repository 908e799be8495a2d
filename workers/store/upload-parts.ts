import { TrunklineError } from '../../shared/errors.ts';
import { asking } from './retry.ts';
import type { Streamed } from './streamed.ts';

// The parts of an upload, each an object of its own until the whole is put together: what was received is what is there.

const prefix = 'uploads/';
const partKey = (upload: string, part: number): string => `${prefix}${upload}/${part}`;

/** What an R2 key names, or null when it is no part. */
function parsePartKey(key: string): { upload: string; part: number } | null {
  const [, upload, part] = /^uploads\/([^/]+)\/(\d+)$/.exec(key) ?? [];
  return upload === undefined ? null : { upload, part: Number(part) };
}

/**
 * Streams a part in; sent again, it takes the place of the one before.
 *
 * @throws {TrunklineError} `unavailable` when R2 fails, which keeps nothing of it
 */
export async function writePart(
  bucket: R2Bucket,
  { upload, part }: { upload: string; part: number },
  body: ReadableStream | null,
): Promise<void> {
  try {
    await bucket.put(partKey(upload, part), body ?? new Uint8Array(0));
  } catch (cause) {
    throw new TrunklineError(
      'unavailable',
      `Cannot store part ${part} of upload ${upload}: the storage failed; send the part again.`,
      { cause },
    );
  }
}

/** Sizes in bytes of the parts that are there. */
export async function readParts(bucket: R2Bucket, upload: string): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for await (const { key, size } of listed(bucket, `${prefix}${upload}/`)) {
    const part = parsePartKey(key);
    if (part !== null) sizes.set(part.part, size);
  }
  return sizes;
}

/** @throws {TrunklineError} `unavailable` when it is gone, or R2 fails */
export async function openPart(bucket: R2Bucket, upload: string, part: number): Promise<R2ObjectBody> {
  const object = await asking(`read part ${part} of upload ${upload}`, () =>
    bucket.get(partKey(upload, part)),
  );
  if (object !== null) return object;
  throw new TrunklineError(
    'unavailable',
    `Cannot read part ${part} of upload ${upload}: it is gone; the upload ended at the same time, ask again.`,
  );
}

/** The parts 1 to `count` as one stream of `sizeBytes`. */
export function concatParts(
  bucket: R2Bucket,
  upload: string,
  { count, sizeBytes }: { count: number; sizeBytes: number },
  signal: AbortSignal,
): Streamed {
  const { readable, writable } = new FixedLengthStream(sizeBytes);
  const pump = async (): Promise<void> => {
    try {
      for (let part = 1; part <= count; part++) {
        const object = await openPart(bucket, upload, part);
        await object.body.pipeTo(writable, { preventClose: true, preventAbort: true, signal });
      }
      await writable.close();
    } catch (error) {
      await writable.abort(error).catch(() => undefined);
      throw error;
    }
  };
  return { body: readable, done: pump() };
}

export async function deleteParts(bucket: R2Bucket, upload: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of listed(bucket, `${prefix}${upload}/`)) keys.push(key);
  await deleteKeys(bucket, keys);
}

/** Parts of any upload, a page at a time. */
export async function listParts(
  bucket: R2Bucket,
  cursor: string | undefined,
): Promise<{ parts: { upload: string; key: string; sizeBytes: number }[]; next: string | null }> {
  const page = await asking('list the parts of uploads', () =>
    bucket.list({ prefix, limit: 1000, ...(cursor === undefined ? {} : { cursor }) }),
  );
  const parts = page.objects.flatMap(({ key, size }) => {
    const upload = parsePartKey(key)?.upload;
    return upload === undefined ? [] : [{ upload, key, sizeBytes: size }];
  });
  return { parts, next: page.truncated ? page.cursor : null };
}

/** R2 deletes at most this many keys at once. */
const keysAtOnce = 1000;

/** Deletes objects; those that are gone already are no error. */
export async function deleteKeys(bucket: R2Bucket, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += keysAtOnce) {
    await asking('delete content', () => bucket.delete(keys.slice(i, i + keysAtOnce)));
  }
}

async function* listed(bucket: R2Bucket, under: string): AsyncGenerator<R2Object> {
  let cursor: string | undefined;
  do {
    const from = cursor === undefined ? {} : { cursor };
    const page = await asking('list the parts of an upload', () => bucket.list({ prefix: under, ...from }));
    yield* page.objects;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
}
