import { TrunklineError } from '../../../shared/errors.ts';
import { kindNoun } from '../../../shared/registry.ts';
import { isMissingReference } from '../../store/database.ts';
import type { ItemKey } from '../../store/items.ts';
import type { Stores } from '../../store/stores.ts';
import { deleteVersion, findReferences } from '../../store/versions.ts';
import type { Change } from '../change.ts';
import { needVersion } from './find-version.ts';

/**
 * Deletes a version for good; its number does not come back. Its content goes with the next garbage collection, unless
 * something else refers to it.
 *
 * @throws {TrunklineError} `not-found`; `conflict`, saying what refers to the version
 */
export async function removeVersion(
  { db }: Stores,
  key: ItemKey & { version: number },
  by: Change,
): Promise<void> {
  const row = await needVersion(db, key, String(key.version));
  const entry = {
    ...by,
    action: 'version.delete' as const,
    subject: `${key.kind}/${key.name}`,
    detail: {},
  };
  let deleted = false;
  try {
    deleted = await deleteVersion(db, row, entry);
  } catch (error) {
    if (!isMissingReference(error)) throw error;
  }
  if (deleted) return;
  const reasons = await findReferences(db, row);
  const why = reasons.length === 0 ? 'it was changed at the same time; try again' : reasons.join('; ');
  throw new TrunklineError(
    'conflict',
    `Cannot delete version ${row.version} of ${kindNoun[key.kind]} "${key.name}": ${why}.`,
  );
}
