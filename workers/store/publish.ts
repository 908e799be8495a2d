import { toHex } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import type { KeyGrant } from '../../shared/keys.ts';
import type { RoutingInput } from '../../shared/routing.ts';
import type { ManifestSignature } from '../../shared/signature.ts';
import { blobKey, grantKey, manifestKey, routingKey, signatureKey } from './published.ts';
import { asking, retrying } from './retry.ts';
import { streamed, type Streamed } from './streamed.ts';

// The writers of what published.ts reads. Content goes to R2 under its digest and is never changed; the small pointers
// in KV are written last, by the domain's order, so a failure on the way leaves what was served before.

/** Content up to here is written at once; R2 takes 5 GiB. */
export const maxPutBytes = 4 * 1024 ** 3;

/** R2's error number for content that does not have the digest it was announced with. */
const badDigest = '(10037)';

/**
 * Streams content into the blob of its digest; R2 hashes it on the way and keeps nothing that does not match.
 *
 * @throws {TrunklineError} `unprocessable` when the content has another digest, `unavailable` when R2 fails.
 */
export async function writeBlob(
  bucket: R2Bucket,
  sha256: string,
  body: ReadableStream | null,
): Promise<void> {
  await writing(`blob ${sha256}`, () => putBlob(bucket, sha256, body));
}

/** The same from a stream that can be opened again, as often as R2 fails. */
export async function writeBlobFrom(
  bucket: R2Bucket,
  sha256: string,
  open: (signal: AbortSignal) => Streamed,
): Promise<void> {
  await writing(`blob ${sha256}`, () =>
    retrying(() => streamed(open, (body) => putBlob(bucket, sha256, body))),
  );
}

async function putBlob(bucket: R2Bucket, sha256: string, body: ReadableStream | null): Promise<void> {
  try {
    await bucket.put(blobKey(sha256), body ?? new Uint8Array(0), { sha256 });
  } catch (error) {
    if (!(error instanceof Error && error.message.includes(badDigest))) throw error;
    throw otherDigest(sha256);
  }
}

/**
 * Writes a blob that is too large for one write from its parts (all of one size but the last, of 5 MiB at least). Its digest
 * is taken on the way, and the blob is there only once it is right: R2's own check is for single writes alone.
 *
 * @param open gives part 1 to `count`
 * @throws {TrunklineError} `unprocessable` when the content has another digest, `unavailable` when R2 fails
 */
export async function writeBlobInParts(
  bucket: R2Bucket,
  sha256: string,
  count: number,
  open: (part: number) => Promise<R2ObjectBody>,
): Promise<void> {
  await writing(`blob ${sha256}`, async () => {
    const upload = await bucket.createMultipartUpload(blobKey(sha256));
    try {
      const hash = new crypto.DigestStream('SHA-256');
      // It rejects with the write that failed, which is heard below.
      hash.digest.catch(() => undefined);
      const hashing = hash.getWriter();
      const parts: R2UploadedPart[] = [];
      for (let part = 1; part <= count; part++)
        parts.push(await copyPart(upload, part, await open(part), hashing));
      await hashing.close();
      if (toHex(new Uint8Array(await hash.digest)) !== sha256) throw otherDigest(sha256);
      await upload.complete(parts);
    } catch (error) {
      // One that cannot be aborted ends by itself after a week, and is no object until then.
      await upload.abort().catch(() => undefined);
      throw error;
    }
  });
}

/** Piece by piece to both, so that no more than a piece is held. */
async function copyPart(
  upload: R2MultipartUpload,
  part: number,
  { size, body }: R2ObjectBody,
  hashing: WritableStreamDefaultWriter<Uint8Array>,
): Promise<R2UploadedPart> {
  const { readable, writable } = new FixedLengthStream(size);
  const writer = writable.getWriter();
  const copy = async (): Promise<void> => {
    try {
      for await (const piece of body as ReadableStream<Uint8Array>)
        await Promise.all([writer.write(piece), hashing.write(piece)]);
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => undefined);
      throw error;
    }
  };
  const [uploaded] = await Promise.all([upload.uploadPart(part, readable), copy()]);
  return uploaded;
}

/** What is sent is not what was announced. */
export const otherDigest = (sha256: string): TrunklineError =>
  new TrunklineError(
    'unprocessable',
    `Cannot store blob ${sha256}: the SHA-256 of the content sent is another one.`,
  );

export async function writeManifest(
  bucket: R2Bucket,
  id: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await writing(`the manifest of bundle ${id}`, () =>
    retrying(() =>
      bucket.put(manifestKey(id), bytes, { sha256: id, httpMetadata: { contentType: 'application/json' } }),
    ),
  );
}

/** Who says that the manifest may be served, in the place of who said so before. */
export async function writeSignature(
  bucket: R2Bucket,
  id: string,
  signature: ManifestSignature,
): Promise<void> {
  await writing(`the signature of bundle ${id}`, () =>
    retrying(() =>
      bucket.put(signatureKey(id), JSON.stringify(signature), {
        httpMetadata: { contentType: 'application/json' },
      }),
    ),
  );
}

/** The blob as a stream, or a part of it, or null. Not verified. */
export async function openBlob(
  bucket: R2Bucket,
  sha256: string,
  range?: { offset: number; length: number },
): Promise<R2ObjectBody | null> {
  return asking(`read blob ${sha256}`, () =>
    bucket.get(blobKey(sha256), range === undefined ? {} : { range }),
  );
}

/** Reads `length` bytes of a blob from `offset` on, fewer where it ends. */
export async function readBlobRange(
  bucket: R2Bucket,
  sha256: string,
  range: { offset: number; length: number },
): Promise<Uint8Array> {
  const object = await asking(`read blob ${sha256}`, () => bucket.get(blobKey(sha256), { range }));
  if (object === null) throw new TrunklineError('not-found', `Cannot read blob ${sha256}: there is none.`);
  return new Uint8Array(await object.arrayBuffer());
}

export async function writeRouting(kv: KVNamespace, routing: RoutingInput): Promise<void> {
  await writing(`the routing of endpoint "${routing.endpoint}"`, () =>
    retrying(() => kv.put(routingKey(routing.endpoint), JSON.stringify(routing))),
  );
}

/** From then on (a minute at most) the edge knows no such endpoint. */
export async function deleteRouting(kv: KVNamespace, endpoint: string): Promise<void> {
  await writing(`the end of endpoint "${endpoint}"`, () => retrying(() => kv.delete(routingKey(endpoint))));
}

/** Expired grants stay and are refused by who reads them: KV's own expiry is a 32-bit number of seconds, up to 2038. */
export async function writeKeyGrant(kv: KVNamespace, keyHash: string, grant: KeyGrant): Promise<void> {
  await writing(`the grant of key ${grant.id}`, () => kv.put(grantKey(keyHash), JSON.stringify(grant)));
}

export async function deleteKeyGrant(kv: KVNamespace, keyHash: string, keyId: string): Promise<void> {
  await writing(`the revocation of key ${keyId}`, () => kv.delete(grantKey(keyHash)));
}

/** Turns a failure of R2 or KV into a sentence for the client, who may try again; the cause is for the log. */
async function writing(what: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    if (cause instanceof TrunklineError) throw cause;
    throw new TrunklineError(
      'unavailable',
      `Cannot write ${what}: the storage failed. Nothing that was served before has changed; send the request again.`,
      { cause },
    );
  }
}
