import { TrunklineError } from '../../../shared/errors.ts';
import { kindNoun, type AliasView } from '../../../shared/registry.ts';
import { findAlias, listAliasChanges, removeAlias, writeAlias } from '../../store/aliases.ts';
import { isMissingReference } from '../../store/database.ts';
import { changeItem, type ItemKey, type ItemRow } from '../../store/items.ts';
import type { Stores } from '../../store/stores.ts';
import type { Change } from '../change.ts';
import { needItem } from './find-version.ts';

const subjectOf = ({ kind, name }: ItemKey): string => `${kind}/${name}`;

/**
 * Points an alias at a version; where it points there already, nothing changes.
 *
 * @throws {TrunklineError} `not-found` when there is no such version
 */
export async function setAlias(
  { db }: Stores,
  key: ItemKey,
  { alias, version }: { alias: string; version: number },
  by: Change,
): Promise<AliasView> {
  await needItem(db, key);
  const before = await findAlias(db, key, alias);
  if (before !== version) {
    const detail = { alias, version, before: before ?? null };
    const entry = { ...by, action: 'alias.set' as const, subject: subjectOf(key), detail };
    try {
      await writeAlias(db, key, { alias, version }, entry);
    } catch (cause) {
      if (!isMissingReference(cause)) throw cause;
      throw new TrunklineError(
        'not-found',
        `Cannot set alias "${alias}": ${kindNoun[key.kind]} "${key.name}" has no version ${version}.`,
        { cause },
      );
    }
  }
  const [newest] = (await listAliasChanges(db, key, alias)).rows;
  if (newest === undefined) throw new Error(`alias ${alias} of ${subjectOf(key)} has no history`);
  return viewOfChange(newest);
}

/** @throws {TrunklineError} `not-found` when there is no such alias */
export async function deleteAlias({ db }: Stores, key: ItemKey, alias: string, by: Change): Promise<void> {
  const before = await findAlias(db, key, alias);
  if (before === undefined) {
    throw new TrunklineError(
      'not-found',
      `Cannot delete alias "${alias}": ${kindNoun[key.kind]} "${key.name}" has none of that name.`,
    );
  }
  const detail = { alias, before };
  await removeAlias(db, key, alias, { ...by, action: 'alias.delete', subject: subjectOf(key), detail });
}

export const viewOfChange = ({ alias, version, changedAt, changedBy }: AliasView): AliasView => ({
  alias,
  version,
  changedAt,
  changedBy,
});

/** @throws {TrunklineError} `not-found` */
export async function setTags(
  { db }: Stores,
  key: ItemKey,
  tags: Record<string, string>,
  by: Change,
): Promise<ItemRow> {
  await needItem(db, key);
  const entry = { ...by, action: 'tags.set' as const, subject: subjectOf(key), detail: { tags } };
  await changeItem(db, key, { tags }, entry);
  return needItem(db, key);
}

/** The audit log keeps every card there was. @throws {TrunklineError} `not-found` */
export async function setCard({ db }: Stores, key: ItemKey, card: string, by: Change): Promise<ItemRow> {
  await needItem(db, key);
  const entry = { ...by, action: 'card.set' as const, subject: subjectOf(key), detail: { card } };
  await changeItem(db, key, { card }, entry);
  return needItem(db, key);
}
