import { TrunklineError } from '../../shared/errors.ts';
import { recordAudit } from '../store/audit.ts';
import { writeBlob } from '../store/publish.ts';
import { blobSize } from '../store/published.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';

/** Content on its way in. R2 wants its length before the first byte. */
export interface Upload {
  sha256: string;
  sizeBytes: number;
  body: ReadableStream | null;
}

/**
 * Stores a blob under its digest. A digest that is there already is not read again: the same digest is the same content.
 *
 * @returns whether the blob is new
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
  const present = await blobSize(stores.bucket, sha256);
  // The body stays unread, not cancelled: a cancelled one breaks the connection of a client that is still sending.
  if (present !== null) return { created: false, sizeBytes: present };
  await writeBlob(stores.bucket, sha256, upload.body);
  await recordAudit(stores.db, { ...by, action: 'blob.store', subject: sha256, detail: { sizeBytes } });
  return { created: true, sizeBytes };
}
