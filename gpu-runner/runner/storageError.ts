/**
 * The merge is done, but its weights cannot be stored as the recipe says: as another type, or where more accuracy may be
 * lost, they can.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}
