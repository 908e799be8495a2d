import { TrunklineError } from '../../../shared/errors.ts';
import { partCount, partSize, type PartView } from '../../../shared/uploads.ts';
import type { Stores } from '../../store/stores.ts';
import { writePart } from '../../store/upload-parts.ts';
import { extendUpload } from '../../store/uploads.ts';
import { projectOf, type Change } from '../change.ts';
import { expiryOf, gone, needUpload, type UploadLimits } from './open-upload.ts';

/** A part on its way in. */
export interface IncomingPart {
  upload: string;
  /** From 1 on. */
  part: number;
  sizeBytes: number;
  body: ReadableStream | null;
}

/**
 * Keeps a part, in the place of the same part sent before.
 *
 * @throws {TrunklineError} `not-found` for an upload that is not open, `invalid` for a part it does not have or of another
 *   size, `conflict` when the whole is stored already, `unavailable` when the storage fails: then nothing of it is kept
 */
export async function receivePart(
  stores: Stores,
  { upload, part, sizeBytes, body }: IncomingPart,
  limits: UploadLimits,
  by: Change,
): Promise<PartView> {
  const row = await needUpload(stores, projectOf(by), upload);
  const refuse = (code: 'invalid' | 'conflict', why: string): TrunklineError =>
    new TrunklineError(code, `Cannot store part ${part} of upload ${upload}: ${why}.`);
  if (row.state === 'stored') throw refuse('conflict', 'the whole file is stored already');
  const count = partCount(row);
  if (part < 1 || part > count) throw refuse('invalid', `it has the parts 1 to ${count}`);
  const wanted = partSize(row, part);
  if (sizeBytes !== wanted) throw refuse('invalid', `it has ${sizeBytes} bytes, it must have ${wanted}`);
  await writePart(stores.bucket, { upload, part }, body);
  const expiresAt = expiryOf(by.at, limits);
  // Closed while the part came in: what is left of it goes with the next garbage collection.
  if (!(await extendUpload(stores.db, upload, expiresAt))) throw gone(upload);
  return { part, sizeBytes, expiresAt };
}
