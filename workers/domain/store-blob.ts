import { TrunklineError } from '../../shared/errors.ts';
import { announceBlob, ownBlob, ownedSize } from '../store/blobs.ts';
import type { Statement } from '../store/database.ts';
import { otherDigest, writeBlob } from '../store/publish.ts';
import { blobSize } from '../store/published.ts';
import { asking } from '../store/retry.ts';
import type { Stores } from '../store/stores.ts';
import { projectOf, type Change } from './change.ts';
import { hashStream } from './hash-stream.ts';

/** Content on its way in. R2 wants its length before the first byte. */
export interface Upload {
  sha256: string;
  sizeBytes: number;
  body: ReadableStream | null;
}

/**
 * Stores a blob under its digest. One that the project has already is not read again: the same digest is the same content.
 * One that only other projects have is read and checked, so that nobody gets at content by its digest alone.
 *
 * @returns whether the blob is new to the project
 * @throws {TrunklineError} `too-large`, or `unprocessable` when the content has another digest
 */
export async function storeBlob(
  stores: Stores,
  upload: Upload,
  maxBytes: number,
  by: Change,
): Promise<{ created: boolean; sizeBytes: number }> {
  const { sha256, sizeBytes } = upload;
  if (sizeBytes > maxBytes) {
    throw new TrunklineError(
      'too-large',
      `Cannot store blob ${sha256}: it has ${sizeBytes} bytes, the limit is ${maxBytes}.`,
    );
  }
  const present = await ownedSize(stores.db, projectOf(by), sha256);
  // The body stays unread, not cancelled: a cancelled one breaks the connection of a client that is still sending.
  if (present !== null) return { created: false, sizeBytes: present };
  await takeBlob(stores, upload, by, (absent) => {
    if (absent) return writeBlob(stores.bucket, sha256, upload.body);
    return checkContent(sha256, upload.body ?? emptyBody());
  });
  return { created: true, sizeBytes };
}

/**
 * Announces a blob, has it written (or only checked, when it is there: `absent` is false), and lets the project own it.
 * `also` are statements that go with that.
 *
 * @throws {TrunklineError} `unavailable` while the same content is being deleted
 */
export async function takeBlob(
  { db, bucket }: Stores,
  { sha256, sizeBytes }: Pick<Upload, 'sha256' | 'sizeBytes'>,
  by: Change,
  write: (absent: boolean) => Promise<void>,
  also: readonly Statement[] = [],
): Promise<void> {
  const generation = await announceBlob(db, { sha256, sizeBytes }, by.at);
  await write((await asking(`look for blob ${sha256}`, () => blobSize(bucket, sha256))) === null);
  const entry = { ...by, action: 'blob.store' as const, subject: sha256, detail: { sizeBytes } };
  await ownBlob(db, { project: projectOf(by), sha256, sizeBytes, generation }, entry, also);
}

/** @throws {TrunklineError} `unprocessable` when the content has another digest */
export async function checkContent(sha256: string, body: ReadableStream): Promise<void> {
  if ((await hashStream(body)) === sha256) return;
  throw otherDigest(sha256);
}

const emptyBody = (): ReadableStream => new Blob([]).stream();
