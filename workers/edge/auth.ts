import { TrunklineError } from '../../shared/errors.ts';
import { hashKey, isExpired, keyFromHeaders, keyId, type KeyGrant, type Scope } from '../../shared/keys.ts';
import { readKeyGrant, type Published } from '../store/published.ts';
import { limits } from './limits.ts';

/** More keys than an isolate meets within `limits.freshMs`, few enough to forget about. */
const keptGrants = 1_000;

/** What API keys may do, as published; remembered for `limits.freshMs`, so a revoked key ends within that and KV's minute. */
export class Keys {
  readonly #kv: Published['routing'];
  readonly #now: () => number;
  readonly #grants = new Map<string, { grant: KeyGrant; readAt: number }>();

  constructor(kv: Published['routing'], now: () => number = Date.now) {
    this.#kv = kv;
    this.#now = now;
  }

  /**
   * @returns the project whose endpoints the key may ask; null, where nobody asks for keys: all
   * @throws {TrunklineError} `unauthenticated`, without a key or with an unknown, revoked or expired one; `forbidden`, when
   *   the key lacks `scope`.
   */
  async require(scope: Scope, headers: Headers): Promise<string | null> {
    const key = keyFromHeaders(headers);
    if (key === null) {
      throw new TrunklineError(
        'unauthenticated',
        `An API key with scope "${scope}" is needed: send it as "Authorization: Bearer <key>" or "X-API-Key: <key>"`,
      );
    }
    const id = keyId(key);
    if (id === null) throw new TrunklineError('unauthenticated', 'The API key does not have the form of one');
    const grant = await this.#grant(key);
    if (!grant) throw new TrunklineError('unauthenticated', `API key ${id} is unknown here or revoked`);
    if (isExpired(grant, this.#now())) {
      throw new TrunklineError('unauthenticated', `API key ${id} expired at ${grant.expiresAt ?? ''}`);
    }
    if (!grant.scopes.includes(scope)) {
      throw new TrunklineError(
        'forbidden',
        `API key ${id} has scope ${grant.scopes.join(', ')}; "${scope}" is needed`,
      );
    }
    return grant.project;
  }

  async #grant(key: string): Promise<KeyGrant | null> {
    const hash = await hashKey(key);
    const known = this.#grants.get(hash);
    if (known && this.#now() - known.readAt < limits.freshMs) return known.grant;
    this.#grants.delete(hash);
    const readAt = this.#now();
    const grant = await readKeyGrant(this.#kv, hash);
    if (grant) {
      if (this.#grants.size >= keptGrants) this.#grants.clear();
      this.#grants.set(hash, { grant, readAt });
    }
    return grant;
  }
}
