import { TrunklineError } from '../../../shared/errors.ts';
import { randomId } from '../../../shared/ids.ts';
import { maxParts, partCount, partSize, type UploadView } from '../../../shared/uploads.ts';
import { ownedSize } from '../../store/blobs.ts';
import { isDuplicate } from '../../store/database.ts';
import type { Stores } from '../../store/stores.ts';
import { readParts } from '../../store/upload-parts.ts';
import { findOpenUpload, findUpload, insertUpload, type UploadRow } from '../../store/uploads.ts';
import { projectOf, type Change } from '../change.ts';

/** What the configuration says of uploads. */
export interface UploadLimits {
  /** Bytes of every part but the last; more where a file would have too many. */
  partBytes: number;
  /** Most bytes that the storage takes in one write. */
  putBytes: number;
  /** Hours an upload waits for its next part. */
  uploadHours: number;
}

export const expiryOf = (at: string, { uploadHours }: UploadLimits): string =>
  new Date(Date.parse(at) + uploadHours * 3_600_000).toISOString();

/**
 * Opens an upload of a file, or answers the one that this key has open, or that the project has the content already.
 *
 * @throws {TrunklineError} `unprocessable` when the project has the content with another size
 */
export async function openUpload(
  stores: Stores,
  file: { sha256: string; sizeBytes: number },
  limits: UploadLimits,
  by: Change,
): Promise<{ created: boolean; upload: UploadView }> {
  const { db } = stores;
  const { sha256, sizeBytes } = file;
  const wanted = { project: projectOf(by), owner: by.actor, sha256, sizeBytes };
  const present = await ownedSize(db, wanted.project, sha256);
  if (present !== null) {
    if (present === sizeBytes) return { created: false, upload: { state: 'stored', sha256, sizeBytes } };
    throw new TrunklineError(
      'unprocessable',
      `Cannot upload blob ${sha256}: it is stored with ${present} bytes, ${sizeBytes} were announced.`,
    );
  }
  const open = await findOpenUpload(db, wanted);
  if (open !== undefined) return { created: false, upload: await viewOfUpload(stores, open) };
  const row: UploadRow = {
    ...wanted,
    id: randomId(),
    partBytes: Math.max(limits.partBytes, Math.ceil(sizeBytes / maxParts)),
    state: 'open',
    createdAt: by.at,
    expiresAt: expiryOf(by.at, limits),
  };
  try {
    await insertUpload(db, row);
  } catch (error) {
    // The same client asked twice at the same time.
    const other = isDuplicate(error) ? await findOpenUpload(db, wanted) : undefined;
    if (other === undefined) throw error;
    return { created: false, upload: await viewOfUpload(stores, other) };
  }
  return { created: true, upload: await viewOfUpload(stores, row) };
}

/** @throws {TrunklineError} `not-found` for an upload that is not there (any more) */
export async function needUpload({ db }: Stores, project: string, id: string): Promise<UploadRow> {
  const row = await findUpload(db, project, id);
  if (row !== undefined && row.state !== 'closed') return row;
  throw gone(id);
}

export const gone = (id: string): TrunklineError =>
  new TrunklineError(
    'not-found',
    `There is no upload ${id}: it was given up or waited too long; open a new one.`,
  );

/** Numbers of the parts that are there whole. */
export async function receivedParts({ bucket }: Stores, row: UploadRow): Promise<number[]> {
  const sizes = await readParts(bucket, row.id);
  return Array.from({ length: partCount(row) }, (_, i) => i + 1).filter(
    (part) => sizes.get(part) === partSize(row, part),
  );
}

export async function viewOfUpload(stores: Stores, row: UploadRow): Promise<UploadView> {
  const { id, sha256, sizeBytes, partBytes, expiresAt } = row;
  if (row.state === 'stored') return { state: 'stored', sha256, sizeBytes };
  return {
    state: 'open',
    id,
    sha256,
    sizeBytes,
    partBytes,
    parts: partCount(row),
    received: await receivedParts(stores, row),
    expiresAt,
  };
}
