import type { TrunklineClient } from '../../client/client.ts';
import { maxUploadBytes } from '../../shared/uploads.ts';
import type { CommandContext } from './context.ts';
import { hashFile, withFileSource } from './fileSource.ts';
import { bytes } from './figures.ts';
import type { Progress } from './progress.ts';

export interface UploadedFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Brings a file to the service, hashed first: what is there already is not sent, and what was interrupted goes on.
 *
 * @param path what documents call it
 */
export async function uploadFile(
  client: TrunklineClient,
  file: string,
  path: string,
  progress: Progress,
  { signal }: CommandContext,
): Promise<UploadedFile & { readonly sent: boolean }> {
  const hashed = await hashFile(
    file,
    (done, size) => progress.update(`${path}: hashing, ${bytes(done)} of ${bytes(size)}`),
    signal,
  );
  if (hashed.sizeBytes > maxUploadBytes)
    throw new Error(
      `Cannot upload ${file}: it has ${bytes(hashed.sizeBytes)}, at most ${bytes(maxUploadBytes)} can be stored`,
    );
  const how = await withFileSource(hashed, (source) =>
    client.uploads.send(source, {
      signal,
      onProgress: (sent, size) =>
        progress.update(
          // The last part is not the end: the service reads it all once more.
          sent === size ? `${path}: sent, being checked` : `${path}: ${bytes(sent)} of ${bytes(size)} sent`,
        ),
    }),
  );
  progress.note(`${path}: ${bytes(hashed.sizeBytes)} ${how === 'sent' ? 'uploaded' : 'there already'}`);
  return { path, sha256: hashed.sha256, sizeBytes: hashed.sizeBytes, sent: how === 'sent' };
}
