import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { toHex } from '../../../shared/digest.ts';
import { between, joined, sha256OfPieces, sizeOf, type Pieces } from '../../engine/pieces.ts';

/** Something to store. Read piece by piece, and again where a piece did not arrive. */
export interface Content {
  /** What errors call it. */
  readonly name: string;
  /** Of all its bytes, in hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Bytes `from` up to `to`. @throws {Error} when they are not all there */
  read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}

export function bytesContent(bytes: Uint8Array<ArrayBuffer>, name = 'bytes'): Content {
  return {
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    read: (from, to) => Promise.resolve(bytes.subarray(from, to)),
  };
}

/** Bytes that may be more than one array holds. */
export async function piecesContent(pieces: Pieces, name: string): Promise<Content> {
  return {
    name,
    sha256: toHex(await sha256OfPieces(pieces)),
    sizeBytes: sizeOf(pieces),
    read: (from, to) => Promise.resolve(joined(between(pieces, from, to))),
  };
}

/** A file, which must not change until it is stored: it is read once now, for its digest. */
export async function fileContent(path: string): Promise<Content> {
  const { size } = await stat(path);
  return {
    name: path,
    sha256: await fileDigest(path),
    sizeBytes: size,
    async read(from, to) {
      const file = await open(path, 'r');
      try {
        const bytes = new Uint8Array(to - from);
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled);
          if (bytesRead === 0)
            throw new Error(`Cannot read ${path}: it ends at byte ${from + filled}, ${size} were expected`);
          filled += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

/** SHA-256 of a file in hex, read as a stream. */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const pieces = createReadStream(path, { highWaterMark: 2 ** 20, ...(signal && { signal }) });
  for await (const piece of pieces) hash.update(piece as Buffer);
  return hash.digest('hex');
}
