/** A checkpoint that nobody can go on from: damaged, of another version, or of another run. Beginning anew is the way out. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}
