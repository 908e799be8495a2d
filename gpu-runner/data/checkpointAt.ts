import { decodeCheckpoint, encodeCheckpoint } from '../engine/checkpointFile.ts';
import { identifyRun } from '../engine/runIdentity.ts';
import type { Checkpoint, TrainOptions } from '../engine/trainOptions.ts';
import { readPieces } from './readPieces.ts';
import { writeFileAtomically } from './writeFileAtomically.ts';

/**
 * Keeps a run's state in one file, and goes on from it where it exists: call it again with the same options after the
 * process was killed, and training ends with the bits of a run that never was.
 *
 * @param every steps between two saves; a save writes all parameters and momenta
 * @throws {Error} when the file is there and is not a whole checkpoint of this run.
 */
export async function checkpointAt(path: string, options: TrainOptions, every: number): Promise<Checkpoint> {
  const run = await identifyRun(options);
  const pieces = await readPieces(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  return {
    from: pieces && (await decodeCheckpoint(pieces, run)),
    every,
    save: async (state) => writeFileAtomically(path, await encodeCheckpoint(state, run)),
  };
}
