import { open } from 'node:fs/promises';
import { pieceBytes, type Pieces } from '../engine/pieces.ts';

/**
 * A file of any size: `readFile` gives up above 2 GiB.
 *
 * @param most bytes of a piece
 * @throws {Error} when it cannot be read, or becomes shorter meanwhile
 */
export async function readPieces(path: string, most = pieceBytes): Promise<Pieces> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; from < size; from += most) {
      const piece = new Uint8Array(Math.min(most, size - from));
      for (let filled = 0; filled < piece.length;) {
        const { bytesRead } = await file.read(piece, filled, piece.length - filled, from + filled);
        if (bytesRead === 0)
          throw new Error(`Cannot read ${path}: it ends at byte ${from + filled}, ${size} were expected`);
        filled += bytesRead;
      }
      pieces.push(piece);
    }
    return pieces;
  } finally {
    await file.close();
  }
}
