import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';

/** Deflate cannot shrink anything more than this. Files that together promise more lie on top of each other: a zip bomb. */
const maxDeflateRatio = 1032;
/** More files than this are no data set; their list alone would fill the memory. */
export const maxArchiveFiles = 2_000_000;

/** A zip file on disk, its list read and checked, nothing unpacked. */
export interface ZipArchive {
  /** The files (folders left out) by path, in the order of the archive's own list. */
  readonly files: ReadonlyMap<string, { readonly sizeBytes: number }>;
  /**
   * Unpacks one file piece by piece; its size and CRC-32 are checked.
   *
   * @throws {Error} with the reason only
   */
  chunks(path: string): AsyncIterable<Uint8Array>;
}

/**
 * Opens a zip file for as long as `use` takes.
 *
 * @throws {Error} with the reason only, when it is damaged, encrypted, larger unpacked than it can be, or names a file
 *   twice or outside of it
 */
export async function withZip<Result>(
  path: string,
  use: (archive: ZipArchive) => Promise<Result>,
): Promise<Result> {
  const zip = await explained(
    openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true }),
  );
  try {
    const entries = await readList(zip);
    return await use({
      files: new Map(Array.from(entries, ([name, entry]) => [name, { sizeBytes: entry.uncompressedSize }])),
      async *chunks(name) {
        const entry = entries.get(name);
        if (!entry) throw new Error(`there is no file "${name}" in it`);
        yield* unpack(zip, entry);
      },
    });
  } finally {
    zip.close();
  }
}

async function readList(zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > maxArchiveFiles)
    throw new Error(`it lists ${zip.entryCount} files, at most ${maxArchiveFiles} are read`);
  const entries = new Map<string, Entry>();
  let unpackedBytes = 0;
  await explained(
    (async () => {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName.endsWith('/')) continue;
        if (entries.has(entry.fileName)) throw new Error(`it has "${entry.fileName}" twice`);
        if (entry.isEncrypted()) throw new Error(`"${entry.fileName}" is encrypted`);
        entries.set(entry.fileName, entry);
        unpackedBytes += entry.uncompressedSize;
      }
    })(),
  );
  if (unpackedBytes > zip.fileSize * maxDeflateRatio)
    throw new Error(`${zip.fileSize} bytes cannot hold the ${unpackedBytes} bytes they promise: a zip bomb`);
  return entries;
}

async function* unpack(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  let sum = 0;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (cause) {
    throw new Error(`it is damaged in the archive (${reasonOf(cause)})`, { cause });
  }
  if (sum !== entry.crc32)
    throw new Error(
      `it is damaged in the archive (CRC-32 ${sum.toString(16)}, not ${entry.crc32.toString(16)})`,
    );
}

async function explained<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`it is not a zip archive that can be read: ${reasonOf(cause)}`, { cause });
  }
}

/** One line, whatever was thrown. */
export const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
