import type { Stores } from '../../store/stores.ts';
import { deleteParts } from '../../store/upload-parts.ts';
import { closeExpired, closeUpload, deleteUpload, listEndedUploads } from '../../store/uploads.ts';
import { projectOf, type Change } from '../change.ts';
import { needUpload } from './open-upload.ts';

/** Uploads looked at in one go. */
const atOnce = 50;

/**
 * Deletes what is left of uploads that waited too long or were given up. Each in three steps that can be done again: no
 * part is taken any more, the parts go, the row goes.
 *
 * @returns how many were deleted
 */
export async function sweepUploads(stores: Stores, at: string): Promise<number> {
  let swept = 0;
  for (const { id, state } of await listEndedUploads(stores.db, at, atOnce)) {
    // A part came in the meantime.
    if (state === 'open' && !(await closeExpired(stores.db, id, at))) continue;
    await deleteParts(stores.bucket, id);
    await deleteUpload(stores.db, id, at);
    swept += 1;
  }
  return swept;
}

/** Gives an upload up. A blob it has become stays. @throws {TrunklineError} `not-found` */
export async function giveUpUpload(stores: Stores, id: string, by: Change): Promise<void> {
  await needUpload(stores, projectOf(by), id);
  await closeUpload(stores.db, id);
  await deleteParts(stores.bucket, id);
  await deleteUpload(stores.db, id, by.at);
}
