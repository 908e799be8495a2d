import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { PassingError, reasonOf, retry } from '../retry.ts';
import type { ObjectStore } from './objectStore.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Without a byte for so long, the connection is given up and made anew. */
  readonly stallMs?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
}

const defaultStallMs = 60_000;

/**
 * Fetches a blob into a file that exists, going on at the byte where the connection broke off, as long as each
 * connection brings something. The digest is computed on the way.
 *
 * @throws {Error} "Cannot download <sha256>: ..." when it is not there, longer than told, or another content
 */
export async function download(
  store: ObjectStore,
  blob: { readonly sha256: string; readonly sizeBytes: number },
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const { signal, stallMs = defaultStallMs, retryDelayMs: delayMs, onProgress } = options;
  const { sha256, sizeBytes } = blob;
  const refusal = (reason: string): string => `Cannot download ${sha256}: ${reason}`;
  const hash = createHash('sha256');
  const file = await open(path, 'r+');
  let received = 0;

  /** One connection. @throws {PassingError} when it brings nothing */
  const connect = async (): Promise<void> => {
    const start = received;
    const stall = new AbortController();
    const watched = AbortSignal.any([stall.signal, ...(signal ? [signal] : [])]);
    const stream = await store.get(sha256, start, watched);
    const watch = setTimeout(() => stall.abort(new Error(`no byte for ${stallMs / 1000} s`)), stallMs);
    let broken: unknown;
    try {
      for await (const piece of readable(stream, (error) => (broken = error))) {
        watch.refresh();
        if (received + piece.length > sizeBytes)
          throw new Error(refusal(`it has more than the ${sizeBytes} bytes it should have`));
        await file.write(piece, 0, piece.length, received);
        hash.update(piece);
        received += piece.length;
        onProgress?.(received);
      }
    } finally {
      clearTimeout(watch);
    }
    signal?.throwIfAborted();
    if (received > start) return;
    const why = broken === undefined ? 'it ended' : reasonOf(broken);
    throw new PassingError(refusal(`${why} at byte ${received} of ${sizeBytes}`), { cause: broken });
  };

  try {
    while (received < sizeBytes) await retry(connect, { delayMs, signal });
    await file.sync();
  } finally {
    await file.close();
  }
  const digest = hash.digest('hex');
  if (digest !== sha256) throw new Error(refusal(`its content has the digest ${digest}`));
}

/** The pieces until the stream ends or breaks. */
async function* readable(
  stream: ReadableStream<Uint8Array>,
  onBroken: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    onBroken(error);
  }
}
