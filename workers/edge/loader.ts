import { sha256Hex } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { manifest, type BundleFile, type Manifest } from '../../shared/manifest.ts';
import { findForgery, type TrustedKey } from '../../shared/signature.ts';
import { blobSize, readBlob, readManifest, readSignature, type Published } from '../store/published.ts';
import { limits } from './limits.ts';

// Nothing read from storage is used before its SHA-256 is the one that the reader came with: the routing names the
// manifest, the manifest names the files. A byte changed in storage is a refusal, never a wrong answer. Where keys are
// trusted, the manifest must also be signed with one of them: then whoever can write the storage and the routing still
// cannot have anything served.

/** The first digits are enough to find a bundle in a list. */
export const shortId = (sha256: string): string => sha256.slice(0, 12);

/**
 * The manifest whose bytes have the SHA-256 `id`, and their number.
 *
 * @param trusted keys of which one must have signed it; null: it need not be signed
 * @throws {TrunklineError} `unavailable`, when it is missing, altered, not signed as it must be or not a manifest.
 */
export async function loadManifest(
  bucket: Published['bundles'],
  id: string,
  trusted: readonly TrustedKey[] | null = null,
): Promise<{ manifest: Manifest; sizeBytes: number }> {
  const refuse = (why: string, cause?: unknown): TrunklineError =>
    new TrunklineError('unavailable', `Cannot serve bundle ${shortId(id)}: its manifest ${why}`, { cause });
  const bytes = await readManifest(bucket, id);
  if (!bytes) throw refuse('is not in storage');
  if (bytes.length > limits.manifestBytes) {
    throw refuse(`has ${bytes.length} bytes, the limit is ${limits.manifestBytes}`);
  }
  const digest = await sha256Hex(bytes);
  if (digest !== id) throw refuse(`was altered: its SHA-256 is ${shortId(digest)}`);
  if (trusted !== null) {
    const forgery = await findForgery(bytes, await readSignature(bucket, id), trusted);
    if (forgery !== null) throw refuse(forgery);
  }
  try {
    return { manifest: manifest.parse(JSON.parse(new TextDecoder().decode(bytes))), sizeBytes: bytes.length };
  } catch (error) {
    throw refuse('does not have the form this version reads', error);
  }
}

/**
 * The file's bytes, checked against the size and SHA-256 its manifest states. The size is asked first, so that nothing
 * larger than promised is read into memory.
 *
 * @throws {TrunklineError} `unavailable`, when it is missing or altered.
 */
export async function loadFile(
  bucket: Published['bundles'],
  file: BundleFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const refuse = (why: string): TrunklineError =>
    new TrunklineError('unavailable', `Cannot use file ${file.path} (blob ${shortId(file.sha256)}): ${why}`);
  const sizeBytes = await blobSize(bucket, file.sha256);
  if (sizeBytes === null) throw refuse('it is not in storage');
  if (sizeBytes !== file.sizeBytes) {
    throw refuse(`it has ${sizeBytes} bytes in storage, the manifest says ${file.sizeBytes}`);
  }
  const bytes = await readBlob(bucket, file.sha256);
  if (!bytes) throw refuse('it is not in storage');
  const digest = await sha256Hex(bytes);
  if (digest !== file.sha256) throw refuse(`it was altered, its SHA-256 is ${shortId(digest)}`);
  return bytes;
}
