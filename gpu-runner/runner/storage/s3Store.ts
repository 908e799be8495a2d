import { createHash, type Hash } from 'node:crypto';
import type { Content } from './content.ts';
import { partsOf, type ObjectStore, type PutOptions } from './objectStore.ts';
import { S3Client, type S3Access } from './s3Client.ts';
import { completeUpload, elements, textOf } from './s3Xml.ts';

export interface S3StoreOptions extends S3Access {
  /** Size of all parts but the last; content up to this size goes in one piece. Default 16 MiB, at least 5 MiB. */
  readonly partBytes?: number | undefined;
}

const defaultPartBytes = 16 * 2 ** 20;
/** S3's limit, and R2's. */
const maxParts = 10_000;
/** Where the control Worker and the edge look for a blob. */
const blobKey = (sha256: string): string => `blobs/${sha256}`;

interface StoredPart {
  readonly number: number;
  readonly etag: string;
  readonly sizeBytes: number;
}

/**
 * Blobs in a bucket that speaks S3's API. A part is sent with the digests of its bytes (signed SHA-256, and MD5), which
 * the service checks; the digest of the whole is checked here while it is read. An upload that was begun is found again
 * through the bucket itself, so that whoever stores the same content goes on with it. Uploads that nobody finishes are
 * for a lifecycle rule of the bucket to end: R2 has one of seven days.
 */
export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #partBytes: number;

  constructor({ partBytes = defaultPartBytes, ...access }: S3StoreOptions) {
    this.#client = new S3Client(access);
    this.#partBytes = partBytes;
  }

  async head(sha256: string, signal?: AbortSignal): Promise<{ readonly sizeBytes: number } | null> {
    const reply = await this.#client.call({ method: 'HEAD', key: blobKey(sha256), accept: [404] }, signal);
    return reply.status === 404 ? null : { sizeBytes: Number(reply.headers.get('content-length')) };
  }

  async get(sha256: string, from: number, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { range: `bytes=${from}-` };
    const reply = await this.#client.call(
      { method: 'GET', key: blobKey(sha256), streamed: true, ...(from > 0 && { headers }) },
      signal,
    );
    if (!reply.stream || (from > 0 && reply.status !== 206))
      throw new Error(`Cannot read blob ${sha256} from byte ${from}: the store answered ${reply.status}`);
    return reply.stream;
  }

  async put(content: Content, options: PutOptions = {}): Promise<{ readonly sent: boolean }> {
    const { sha256, sizeBytes } = content;
    const { signal, onProgress } = options;
    const present = await this.head(sha256, signal);
    if (present?.sizeBytes === sizeBytes) {
      onProgress?.(sizeBytes);
      return { sent: false };
    }
    if (sizeBytes <= this.#partBytes) {
      const body = await content.read(0, sizeBytes);
      refuseOther(content, createHash('sha256').update(body));
      await this.#client.call(
        { method: 'PUT', key: blobKey(sha256), body, headers: digestsOf(body) },
        signal,
      );
      onProgress?.(sizeBytes);
      return { sent: true };
    }
    await this.#putParts(content, options);
    return { sent: true };
  }

  async #putParts(content: Content, { signal, onProgress }: PutOptions): Promise<void> {
    const key = blobKey(content.sha256);
    const open = await this.#findUpload(key, signal);
    const uploadId = open ?? (await this.#begin(key, signal));
    const known = new Map(
      open === undefined
        ? []
        : (await this.#listParts(key, open, signal)).map((part) => [part.number, part] as const),
    );
    const whole = createHash('sha256');
    const parts: { number: number; etag: string }[] = [];
    for (const { number, from, to } of partsOf(content.sizeBytes, this.#partSize(content.sizeBytes))) {
      const body = await content.read(from, to);
      whole.update(body);
      const there = known.get(number);
      const etag =
        there?.sizeBytes === body.length && unquoted(there.etag) === md5(body).digest('hex')
          ? there.etag
          : await this.#putPart(key, uploadId, number, body, signal);
      parts.push({ number, etag });
      onProgress?.(to);
    }
    try {
      refuseOther(content, whole);
    } catch (error) {
      await this.#client.call({ method: 'DELETE', key, query: { uploadId }, accept: [404] }, signal);
      throw error;
    }
    // Not there any more: an earlier try of this request did it, and its answer was lost.
    await this.#client.call(
      { method: 'POST', key, query: { uploadId }, body: completeUpload(parts), accept: [404] },
      signal,
    );
    const stored = await this.head(content.sha256, signal);
    if (stored?.sizeBytes !== content.sizeBytes)
      throw new Error(
        `Cannot store ${content.name}: the store has ${stored?.sizeBytes ?? 'none'} of its ${content.sizeBytes} bytes`,
      );
  }

  /** Equal parts, few enough. */
  #partSize(sizeBytes: number): number {
    const mebibyte = 2 ** 20;
    return Math.max(this.#partBytes, Math.ceil(sizeBytes / maxParts / mebibyte) * mebibyte);
  }

  async #begin(key: string, signal: AbortSignal | undefined): Promise<string> {
    const { text } = await this.#client.call({ method: 'POST', key, query: { uploads: '' } }, signal);
    const uploadId = textOf(text, 'UploadId');
    if (uploadId === undefined) throw new Error(`Cannot upload ${key}: the store gave the upload no id`);
    return uploadId;
  }

  /** The newest upload of that key that is still open. A store that cannot list them has none. */
  async #findUpload(key: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const query = { uploads: '', prefix: key };
    const { status, text } = await this.#client.call(
      { method: 'GET', key: '', query, accept: [400, 403, 404, 405, 501] },
      signal,
    );
    if (status >= 300) return undefined;
    const open = elements(text, 'Upload').filter((upload) => textOf(upload, 'Key') === key);
    const newest = open.sort((a, b) => initiated(a) - initiated(b)).at(-1);
    return newest && textOf(newest, 'UploadId');
  }

  async #listParts(key: string, uploadId: string, signal: AbortSignal | undefined): Promise<StoredPart[]> {
    const parts: StoredPart[] = [];
    for (let marker = ''; ;) {
      const query = { uploadId, ...(marker && { 'part-number-marker': marker }) };
      const { text } = await this.#client.call({ method: 'GET', key, query }, signal);
      for (const part of elements(text, 'Part'))
        parts.push({
          number: Number(textOf(part, 'PartNumber')),
          etag: textOf(part, 'ETag') ?? '',
          sizeBytes: Number(textOf(part, 'Size')),
        });
      const next = textOf(text, 'NextPartNumberMarker') ?? '';
      if (textOf(text, 'IsTruncated') !== 'true' || next === '' || next === marker) return parts;
      marker = next;
    }
  }

  async #putPart(
    key: string,
    uploadId: string,
    number: number,
    body: Uint8Array<ArrayBuffer>,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const query = { partNumber: String(number), uploadId };
    const reply = await this.#client.call(
      { method: 'PUT', key, query, body, headers: digestsOf(body) },
      signal,
    );
    const etag = reply.headers.get('etag');
    if (etag === null) throw new Error(`Cannot upload ${key}: the store gave part ${number} no ETag`);
    return etag;
  }
}

const md5 = (bytes: Uint8Array): Hash => createHash('md5').update(bytes);
const unquoted = (etag: string): string => etag.replaceAll('"', '');
const initiated = (upload: string): number => Date.parse(textOf(upload, 'Initiated') ?? '') || 0;

/** What the service checks the body by. */
const digestsOf = (body: Uint8Array): Record<string, string> => ({
  'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
  'content-md5': md5(body).digest('base64'),
});

function refuseOther({ name, sha256 }: Content, hash: Hash): void {
  const digest = hash.digest('hex');
  if (digest !== sha256)
    throw new Error(`Cannot store ${name}: its digest is ${digest}, not ${sha256}: it has changed`);
}
