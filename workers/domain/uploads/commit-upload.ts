import { TrunklineError } from '../../../shared/errors.ts';
import { partCount, type UploadView } from '../../../shared/uploads.ts';
import { openBlob, writeBlobFrom, writeBlobInParts } from '../../store/publish.ts';
import { blobSize } from '../../store/published.ts';
import { retrying } from '../../store/retry.ts';
import type { Stores } from '../../store/stores.ts';
import { streamed } from '../../store/streamed.ts';
import { concatParts, deleteParts, openPart } from '../../store/upload-parts.ts';
import { storedUploadStatement, type UploadRow } from '../../store/uploads.ts';
import { projectOf, type Change } from '../change.ts';
import { checkContent, takeBlob } from '../store-blob.ts';
import { expiryOf, needUpload, receivedParts, viewOfUpload, type UploadLimits } from './open-upload.ts';

/** Parts named in a refusal at most. */
const maxNamed = 10;

/**
 * Makes the parts one blob, whose SHA-256 is checked while it is written. Asked again, it answers the same.
 *
 * @param trusted a runner, which may have put the blob into the bucket by itself: then it is read and checked there
 * @throws {TrunklineError} `not-found` for an upload that is not open, `conflict` when parts are missing, `unprocessable`
 *   when the whole has another digest: all parts are to be sent again then
 */
export async function commitUpload(
  stores: Stores,
  id: string,
  { trusted, limits }: { trusted: boolean; limits: UploadLimits },
  by: Change,
): Promise<UploadView> {
  const row = await needUpload(stores, projectOf(by), id);
  if (row.state === 'stored') return viewOfUpload(stores, row);
  const stored = storedUploadStatement(stores.db, id, expiryOf(by.at, limits));
  const write = await writerOf(stores, row, { trusted, limits });
  try {
    await takeBlob(stores, row, by, write, [stored]);
  } catch (error) {
    // Which part is wrong cannot be told: none of them is believed any more.
    if (error instanceof TrunklineError && error.code === 'unprocessable')
      await deleteParts(stores.bucket, id);
    throw error;
  }
  try {
    await deleteParts(stores.bucket, id);
  } catch (error) {
    console.error(`the parts of upload ${id} are left for the garbage collection`, error);
  }
  return { state: 'stored', sha256: row.sha256, sizeBytes: row.sizeBytes };
}

/** How the blob comes about: from the parts, or from what lies under its key already. */
async function writerOf(
  stores: Stores,
  row: UploadRow,
  { trusted, limits }: { trusted: boolean; limits: UploadLimits },
): Promise<(absent: boolean) => Promise<void>> {
  const { bucket } = stores;
  const { id, sha256, sizeBytes } = row;
  const count = partCount(row);
  const received = new Set(await receivedParts(stores, row));
  if (received.size === count) {
    const open = (signal: AbortSignal) => concatParts(bucket, id, { count, sizeBytes }, signal);
    return (absent) => {
      if (!absent) return retrying(() => streamed(open, (body) => checkContent(sha256, body)));
      if (sizeBytes <= limits.putBytes) return writeBlobFrom(bucket, sha256, open);
      return writeBlobInParts(bucket, sha256, count, (part) => openPart(bucket, id, part));
    };
  }
  if (trusted && received.size === 0 && (await blobSize(bucket, sha256)) === sizeBytes) {
    return async () => {
      const body = await openBlob(bucket, sha256);
      if (body === null) throw missing(row, received);
      await checkContent(sha256, body.body);
    };
  }
  throw missing(row, received);
}

function missing(row: UploadRow, received: ReadonlySet<number>): TrunklineError {
  const count = partCount(row);
  const absent = Array.from({ length: count }, (_, i) => i + 1).filter((part) => !received.has(part));
  const named = absent.slice(0, maxNamed).join(', ') + (absent.length > maxNamed ? ', ...' : '');
  return new TrunklineError(
    'conflict',
    `Cannot commit upload ${row.id}: ${absent.length} of its ${count} parts are missing: ${named}.`,
  );
}
