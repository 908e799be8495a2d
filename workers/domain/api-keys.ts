import type { CreatedKey, CreateKeyRequest, KeyView } from '../../shared/api.ts';
import { equalInConstantTime } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { defaultProject, generateKey, hashKey, isExpired, keyId, type KeyGrant } from '../../shared/keys.ts';
import {
  findApiKey,
  findApiKeyByHash,
  insertApiKey,
  markRevoked,
  type ApiKeyRow,
} from '../store/api-keys.ts';
import { deleteKeyGrant, writeKeyGrant } from '../store/publish.ts';
import type { Stores } from '../store/stores.ts';
import type { Caller } from './caller.ts';
import type { Change } from './change.ts';

const msPerDay = 86_400_000;

/**
 * Who holds this key and what it may do.
 *
 * The operator's bootstrap key may manage keys and nothing else: it exists to make the first real one.
 *
 * @param bootstrapHash SHA-256 of the bootstrap key, or null when there is none
 * @throws {TrunklineError} `unauthenticated` for no, a malformed, an unknown, an expired or a revoked key
 */
export async function authenticate(
  stores: Stores,
  key: string | null,
  bootstrapHash: string | null,
  now: number,
): Promise<Caller> {
  if (key === null) {
    throw refused('no API key was sent; send one as "Authorization: Bearer tl_..."');
  }
  if (keyId(key) === null) throw refused('what was sent as API key does not look like tl_<id>_<secret>');
  const hash = await hashKey(key);
  if (bootstrapHash !== null && equalInConstantTime(hash, bootstrapHash)) {
    return { id: 'bootstrap', project: defaultProject, scopes: ['admin'], isOperator: true };
  }
  const row = await findApiKeyByHash(stores.db, hash);
  if (row === undefined) throw refused('the API key is not known here');
  if (row.revokedAt !== null) throw refused(`API key ${row.id} was revoked at ${row.revokedAt}`);
  const grant = grantOf(row);
  if (isExpired(grant, now)) throw refused(`API key ${row.id} expired at ${grant.expiresAt ?? 'some time'}`);
  return { ...grant, isOperator: false };
}

/**
 * Makes a key. Its text is in the reply and nowhere else; one that may infer is made known to the edge.
 *
 * @throws {TrunklineError} `forbidden` when anybody but the operator asks for a key of another project
 */
export async function createKey(
  stores: Stores,
  caller: Pick<Caller, 'project' | 'isOperator'>,
  request: CreateKeyRequest,
  by: Change,
): Promise<CreatedKey> {
  const project = request.project ?? caller.project;
  if (project !== caller.project && !caller.isOperator) {
    throw new TrunklineError(
      'forbidden',
      `Cannot make a key of project "${project}": this key is of project "${caller.project}".`,
    );
  }
  const { id, key } = generateKey();
  const { expiresInDays: days } = request;
  const row = {
    id,
    project,
    name: request.name,
    hash: await hashKey(key),
    scopes: [...new Set(request.scopes)],
    createdAt: by.at,
    expiresAt: days === undefined ? null : new Date(Date.parse(by.at) + days * msPerDay).toISOString(),
  };
  const detail = { name: row.name, scopes: row.scopes, expiresAt: row.expiresAt };
  await insertApiKey(stores.db, row, { ...by, project, action: 'key.create', subject: id, detail });
  if (row.scopes.includes('infer')) await writeKeyGrant(stores.kv, row.hash, grantOf(row));
  return { ...viewOfKey({ ...row, revokedAt: null }), key };
}

/**
 * Ends a key: here at once, at the edge when KV has forgotten it (a minute at most). Ending it again is harmless and
 * repeats the message to the edge, should that have failed.
 */
export async function revokeKey(
  stores: Stores,
  caller: Pick<Caller, 'project' | 'isOperator'>,
  id: string,
  by: Change,
): Promise<void> {
  const row = await findApiKey(stores.db, id);
  // Keys of other projects are as good as none.
  if (row === undefined || (row.project !== caller.project && !caller.isOperator))
    throw new TrunklineError('not-found', `Cannot revoke key "${id}": there is none.`);
  if (row.revokedAt === null) {
    await markRevoked(stores.db, id, by.at, {
      ...by,
      project: row.project,
      action: 'key.revoke',
      subject: id,
      detail: {},
    });
  }
  await deleteKeyGrant(stores.kv, row.hash, id);
}

export const viewOfKey = (row: Omit<ApiKeyRow, 'sequence' | 'hash'>): KeyView => ({
  id: row.id,
  name: row.name,
  project: row.project,
  scopes: row.scopes,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  revokedAt: row.revokedAt,
});

const grantOf = (row: Pick<ApiKeyRow, 'id' | 'project' | 'scopes' | 'expiresAt'>): KeyGrant => ({
  id: row.id,
  project: row.project,
  scopes: row.scopes,
  ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt }),
});

const refused = (why: string): TrunklineError =>
  new TrunklineError('unauthenticated', `Cannot tell who is asking: ${why}.`);
