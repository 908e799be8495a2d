import { TrunklineError } from '../../../shared/errors.ts';
import {
  kindNoun,
  parseReference,
  parseVersionChoice,
  type ItemView,
  type VersionChoice,
  type VersionView,
} from '../../../shared/registry.ts';
import type { Database } from '../../store/database.ts';
import { findItem, type ItemKey, type ItemRow } from '../../store/items.ts';
import { findVersion, type VersionRow } from '../../store/versions.ts';

/** @throws {TrunklineError} `not-found` */
export async function needItem(db: Database, key: ItemKey): Promise<ItemRow> {
  const row = await findItem(db, key);
  if (row !== undefined) return row;
  throw new TrunklineError('not-found', `There is no ${kindNoun[key.kind]} "${key.name}".`);
}

/**
 * The version that `choice` (`3`, `champion`, `latest`) means now.
 *
 * @throws {TrunklineError} `invalid` for a choice of no form, `not-found` when there is no such version
 */
export async function needVersion(db: Database, key: ItemKey, choice: string): Promise<VersionRow> {
  const parsed = parseVersionChoice(choice);
  if (parsed === null) {
    throw new TrunklineError(
      'invalid',
      `Cannot find version "${choice}" of ${kindNoun[key.kind]} "${key.name}": say a number, an alias or "latest".`,
    );
  }
  const row = await findVersion(db, key, parsed);
  if (row !== undefined) return row;
  await needItem(db, key);
  throw new TrunklineError(
    'not-found',
    `${capital(kindNoun[key.kind])} "${key.name}" has no ${inWords(parsed)}.`,
  );
}

/**
 * The version that a reference (`name`, `name@3`, `name@champion`) means now.
 *
 * @throws {TrunklineError} `invalid` for a reference of no form, `not-found` when there is no such version
 */
export async function resolveReference(
  db: Database,
  { project, kind }: Pick<ItemKey, 'project' | 'kind'>,
  reference: string,
): Promise<VersionRow> {
  const parsed = parseReference(reference);
  if (parsed === null) {
    throw new TrunklineError(
      'invalid',
      `Cannot find ${kindNoun[kind]} "${reference}": say name, name@version or name@alias.`,
    );
  }
  const [, choice = 'latest'] = reference.split('@');
  return needVersion(db, { project, kind, name: parsed.name }, choice);
}

function inWords(choice: VersionChoice): string {
  if (choice === 'latest') return 'versions any more';
  return 'version' in choice ? `version ${choice.version}` : `alias "${choice.alias}"`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function viewOfVersion(row: VersionRow, aliases: Readonly<Record<string, number>>): VersionView {
  const { kind, name, version, digest, document, sizeBytes, createdAt, createdBy } = row;
  const pointing = Object.keys(aliases).filter((alias) => aliases[alias] === version);
  return { kind, name, version, digest, document, sizeBytes, aliases: pointing, createdAt, createdBy };
}

export function viewOfItem({
  kind,
  name,
  latest,
  versions,
  aliases,
  tags,
  owner,
  createdAt,
  changedAt,
}: ItemRow): Omit<ItemView, 'card'> {
  return { kind, name, latest, versions, aliases, tags, owner, createdAt, changedAt };
}
