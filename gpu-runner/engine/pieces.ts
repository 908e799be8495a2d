import { createHash } from 'node:crypto';

/**
 * Bytes, one piece after the other. Together they may be more than the 2 GiB that Node.js reads or hashes in one call, and
 * than one array holds. Whoever is given them does not write to them: they may be somebody's weights.
 */
export type Pieces = readonly Uint8Array<ArrayBuffer>[];

/** Bytes that are read, written or hashed in one call. */
export const pieceBytes = 64 * 2 ** 20;

export const sizeOf = (pieces: Pieces): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** The same bytes in pieces of at most `most`, not copied. */
export function cut(pieces: Pieces, most = pieceBytes): Uint8Array<ArrayBuffer>[] {
  return pieces.flatMap((piece) =>
    piece.length <= most
      ? [piece]
      : Array.from({ length: Math.ceil(piece.length / most) }, (_, index) =>
          piece.subarray(index * most, (index + 1) * most),
        ),
  );
}

/** Bytes `from` up to `to`, not copied; fewer where they end before. */
export function between(pieces: Pieces, from: number, to: number): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  let start = 0;
  for (const piece of pieces) {
    const [first, last] = [Math.max(0, from - start), Math.min(piece.length, to - start)];
    if (first < last) found.push(piece.subarray(first, last));
    start += piece.length;
  }
  return found;
}

/** A copy of all bytes in one array, from its start on. */
export function joined(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** SHA-256 of all bytes. Other work has its turn between pieces. */
export async function sha256OfPieces(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const hash = createHash('sha256');
  let since = 0;
  for (const piece of cut(pieces)) {
    hash.update(piece);
    since += piece.length;
    if (since < pieceBytes) continue;
    since = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return new Uint8Array(hash.digest());
}
