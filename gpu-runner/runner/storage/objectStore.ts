import type { Content } from './content.ts';

export interface PutOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that are safely there, those of an earlier attempt included. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** Where blobs lie under their digests. Every call survives passing trouble; what is left is thrown. */
export interface ObjectStore {
  /** The blob's size, or null when it is not there. */
  head(sha256: string, signal?: AbortSignal): Promise<{ readonly sizeBytes: number } | null>;

  /**
   * The blob from byte `from` to its end. The stream may break off: ask again for the rest. Not verified: `download` is.
   *
   * @throws {Error} when it is not there
   */
  get(sha256: string, from: number, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;

  /**
   * Stores content under its digest, in parts where it is large: an upload that broke off, even in another process, goes
   * on with the parts that are missing.
   *
   * @returns whether anything had to be sent
   * @throws {Error} when the content is not what its digest says, or the store refuses it
   */
  put(content: Content, options?: PutOptions): Promise<{ readonly sent: boolean }>;
}

/** The parts of an upload: equal, but for the last. */
export function* partsOf(
  sizeBytes: number,
  partBytes: number,
): Generator<{ readonly number: number; readonly from: number; readonly to: number }> {
  for (let from = 0, number = 1; from < sizeBytes; from += partBytes, number += 1)
    yield { number, from, to: Math.min(from + partBytes, sizeBytes) };
}
