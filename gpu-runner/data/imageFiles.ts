import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';
import type { Problem } from './samples.ts';
import { maxArchiveFiles, reasonOf, withZip } from './zipArchive.ts';

export interface ImageFile {
  readonly path: string;
  readonly bytes: () => Promise<Uint8Array>;
}

/**
 * The files of a folder or archive by path, `/` between folders. What operating systems leave behind is not among them, nor
 * is anything hidden: files and folders whose names begin with a dot.
 */
export interface ImageFiles {
  readonly files: ReadonlyMap<string, { readonly sizeBytes: number }>;
  /** Entries of an archive that are neither files nor folders. */
  readonly unreadable: readonly Problem[];
  /** Every file once, in the order that the source gives fastest. `bytes()` must be called before the next one. */
  read(): AsyncIterable<ImageFile> | Iterable<ImageFile>;
}

/** Larger files are no images of a data set. */
export const maxImageBytes = 64 * 2 ** 20;

/**
 * Opens a folder, .zip, .tar or .tar.gz (told by its first bytes) for as long as `use` takes. Nothing is unpacked to disk.
 *
 * @throws {Error} with the reason only
 */
export async function withImageFiles<Result>(
  path: string,
  use: (files: ImageFiles) => Promise<Result>,
): Promise<Result> {
  if ((await stat(path)).isDirectory()) return use(await folderFiles(path));
  const start = await firstBytes(path, 512);
  if (start.subarray(0, 2).toString('latin1') === 'PK')
    return withZip(path, (archive) =>
      use({
        files: new Map(Array.from(archive.files).filter(([name]) => !isLitter(name))),
        unreadable: [],
        *read() {
          for (const [name, { sizeBytes }] of archive.files)
            if (!isLitter(name)) yield { path: name, bytes: () => gather(archive.chunks(name), sizeBytes) };
        },
      }),
    );
  const gzipped = start[0] === 0x1f && start[1] === 0x8b;
  if (gzipped || start.subarray(257, 262).toString('latin1') === 'ustar')
    return use(await tarFiles(path, gzipped));
  throw new Error(
    `it is not a folder, .zip, .tar or .tar.gz (starts with ${start.subarray(0, 3).toString('hex') || 'nothing'})`,
  );
}

/** Folders deeper than this are a link that leads to itself. */
const maxDepth = 32;

async function folderFiles(root: string): Promise<ImageFiles> {
  const files = new Map<string, { sizeBytes: number }>();
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > maxDepth)
      throw new Error(`its folders lie more than ${maxDepth} deep: does a link lead back?`);
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (isLitter(path)) continue;
      // Links are followed: data sets are often made of them. A broken one is found bad when it is read.
      const found = await stat(join(root, path)).catch(() => undefined);
      if (found?.isDirectory()) await walk(path, depth + 1);
      else addFile(files, path, found?.size ?? 0);
    }
  };
  await walk('', 0);
  return {
    files,
    unreadable: [],
    *read() {
      for (const [path, { sizeBytes }] of files) {
        yield {
          path,
          bytes: () => (sizeBytes > maxImageBytes ? tooLong(sizeBytes) : readFile(join(root, path))),
        };
      }
    },
  };
}

/** Read twice: once for the list, once for the contents. */
async function tarFiles(path: string, gzipped: boolean): Promise<ImageFiles> {
  const files = new Map<string, { sizeBytes: number }>();
  const unreadable: Problem[] = [];
  for await (const { header, body } of tarEntries(path, gzipped)) {
    await body.cancel();
    if (header.type === 'file') addFile(files, header.name, header.size);
    else unreadable.push({ path: header.name, reason: notFile(header.type) });
  }
  return {
    files,
    unreadable,
    async *read() {
      for await (const { header, body } of tarEntries(path, gzipped)) {
        const { name, size, type } = header;
        if (type !== 'file') {
          await body.cancel();
          continue;
        }
        const whole = size > maxImageBytes ? undefined : await gather(body, size);
        if (!whole) await body.cancel();
        yield { path: name, bytes: () => (whole ? Promise.resolve(whole) : tooLong(size)) };
      }
    },
  };
}

/** Nothing is unpacked, so that what a link leads to is not there. */
const notFile = (type: string | undefined): string =>
  type === 'link' || type === 'symlink'
    ? 'it is a link in the archive'
    : `it is a ${type ?? 'thing of no known kind'} in the archive, not a file`;

/** All but folders and litter. */
async function* tarEntries(path: string, gzipped: boolean): AsyncGenerator<ParsedTarEntry> {
  const file = createReadStream(path);
  const gunzip = gzipped ? createGunzip() : undefined;
  const unpacked = gunzip ? file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip) : file;
  try {
    const entries = Readable.toWeb(unpacked).pipeThrough(createTarDecoder({ strict: true }));
    for await (const entry of entries) {
      const { type, name } = entry.header;
      if (type === 'directory' || isLitter(name)) await entry.body.cancel();
      else yield entry;
    }
  } catch (cause) {
    throw new Error(`it is not a tar archive that can be read: ${reasonOf(cause)}`, { cause });
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
}

function addFile(files: Map<string, { sizeBytes: number }>, path: string, sizeBytes: number): void {
  if (files.has(path)) throw new Error(`it has "${path}" twice`);
  if (files.size === maxArchiveFiles) throw new Error(`it has more than ${maxArchiveFiles} files`);
  files.set(path, { sizeBytes });
}

/** Hidden files and what macOS and Windows put beside pictures. */
const isLitter = (path: string): boolean =>
  path.split('/').some((part) => (part.startsWith('.') && part !== '.') || part === '__MACOSX') ||
  /(^|\/)(thumbs\.db|desktop\.ini)$/i.test(path);

const tooLong = (sizeBytes: number): Promise<never> =>
  Promise.reject(new Error(`it is ${sizeBytes} bytes long, at most ${maxImageBytes} are read`));

async function gather(chunks: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes > maxImageBytes) return tooLong(sizeBytes);
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > sizeBytes)
      throw new Error(`it is longer than the ${sizeBytes} bytes promised`);
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < sizeBytes) throw new Error(`it ends after ${filled} of ${sizeBytes} bytes`);
  return bytes;
}

async function firstBytes(path: string, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
