import { z } from 'zod';
import { sha256Hex, toHex } from './digest.ts';
import { name } from './manifest.ts';

// An API key is `tl_<id>_<secret>`: the id (16 hex digits) names it in lists and audit rows, the secret is 256 random
// bits in hex. Keys are stored as their SHA-256 only. A slow, salted hash protects secrets that people choose, which can
// be guessed; 256 random bits cannot be, so one fast hash is enough and costs a request microseconds.

/**
 * What a key may do: ask for predictions, say what came of them, look at what there is, change it, do its jobs, manage
 * keys. Outcomes decide experiments, and a key that may infer is often in many hands: so they are two scopes.
 */
export const scopes = ['infer', 'outcome', 'read', 'write', 'runner', 'admin'] as const;
export const scope = z.enum(scopes);
export type Scope = z.infer<typeof scope>;

/** What everything belongs to that nobody gave another project. */
export const defaultProject = 'default';

/** What the edge needs to know of a key; published under the key's hash. */
export const keyGrant = z.strictObject({
  id: z.string().min(1),
  /** The key sees and changes what belongs to this project, and nothing else. */
  project: name.default(defaultProject),
  scopes: z.array(scope).min(1),
  expiresAt: z.iso.datetime().optional(),
});
export type KeyGrant = z.infer<typeof keyGrant>;
/** A grant as it may have been written: without a project it is of the default one. */
export type KeyGrantInput = z.input<typeof keyGrant>;

const keyFormat = /^tl_([0-9a-f]{16})_[0-9a-f]{64}$/;

/** A new key. It is shown to its owner once and kept nowhere. */
export function generateKey(): { id: string; key: string } {
  const random = crypto.getRandomValues(new Uint8Array(8 + 32));
  const id = toHex(random.subarray(0, 8));
  return { id, key: `tl_${id}_${toHex(random.subarray(8))}` };
}

/** The id inside a key, or null when the text is not a key at all. */
export const keyId = (key: string): string | null => keyFormat.exec(key)?.[1] ?? null;

/** The form in which a key is stored and looked up: SHA-256 of the whole key, in hex. */
export const hashKey = (key: string): Promise<string> => sha256Hex(key);

/** The key in an `Authorization: Bearer` or `X-API-Key` header, or null when the request carries neither. */
export function keyFromHeaders(headers: Headers): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '');
  return bearer?.[1] ?? headers.get('x-api-key');
}

/** Whether the grant still holds at `now` (milliseconds since 1970). */
export const isExpired = (grant: Pick<KeyGrant, 'expiresAt'>, now: number): boolean =>
  grant.expiresAt !== undefined && Date.parse(grant.expiresAt) <= now;
