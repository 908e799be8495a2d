import { keyGrant, type KeyGrant } from '../../shared/keys.ts';
import { routing, type Routing } from '../../shared/routing.ts';

// What is published, as the edge reads it: immutable content in R2, the small pointers to it in KV. No SQL here, so that
// inference goes on when the database does not. The writers of the same keys are in publish.ts.

export const blobKey = (sha256: string): string => `blobs/${sha256}`;
export const manifestKey = (id: string): string => `manifests/${id}.json`;
export const signatureKey = (id: string): string => `signatures/${id}.json`;
export const routingKey = (endpoint: string): string => `routing:${endpoint}`;
export const grantKey = (keyHash: string): string => `key:${keyHash}`;

// What reading takes of the bindings: whoever holds only these cannot change what is served, and anything else that has
// them (a folder of bundles, in Node) can be served in their place.

/** An R2 bucket, to its readers. */
export interface ContentReader {
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  head(key: string): Promise<{ readonly size: number } | null>;
}

/** A KV namespace, to its readers. */
export interface PointerReader {
  get(key: string, type: 'json'): Promise<unknown>;
}

export interface PointerLister extends PointerReader {
  list(options: { prefix: string; cursor: string | null }): Promise<PointerPage>;
}

type PointerPage = { readonly keys: readonly { readonly name: string }[] } & (
  { readonly list_complete: true } | { readonly list_complete: false; readonly cursor: string }
);

/** Where published content is read from; the edge writes nothing there. */
export interface Published {
  readonly bundles: ContentReader;
  readonly routing: PointerLister;
}

/** What the endpoint serves now, or null when there is no such endpoint. Up to a minute old: KV is eventually consistent. */
export async function readRouting(kv: PointerReader, endpoint: string): Promise<Routing | null> {
  const value: unknown = await kv.get(routingKey(endpoint), 'json');
  return value === null ? null : routing.parse(value);
}

/** The names of all endpoints, in alphabetical order. */
export async function listEndpoints(kv: PointerLister): Promise<string[]> {
  const names: string[] = [];
  const prefix = routingKey('');
  let cursor: string | null = null;
  for (;;) {
    const page: PointerPage = await kv.list({ prefix, cursor });
    names.push(...page.keys.map((key) => key.name.slice(prefix.length)));
    if (page.list_complete) return names;
    cursor = page.cursor;
  }
}

/** The manifest's bytes, or null. Not verified: the reader compares their SHA-256 with `id`. */
export async function readManifest(
  bucket: ContentReader,
  id: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return readAll(bucket, manifestKey(id));
}

/** Who says that the manifest may be served: the text of its signature, or null. For the reader to check. */
export async function readSignature(bucket: ContentReader, id: string): Promise<string | null> {
  const bytes = await readAll(bucket, signatureKey(id));
  return bytes && new TextDecoder().decode(bytes);
}

/** The blob's bytes, or null. Not verified: the reader compares their SHA-256 with the name. */
export async function readBlob(
  bucket: ContentReader,
  sha256: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return readAll(bucket, blobKey(sha256));
}

/** Size of the stored blob in bytes, or null when it is not there: ask before reading what may not fit. */
export async function blobSize(bucket: ContentReader, sha256: string): Promise<number | null> {
  return (await bucket.head(blobKey(sha256)))?.size ?? null;
}

/** What the key with this hash may do, or null for an unknown or revoked key. Expiry is for the reader to check. */
export async function readKeyGrant(kv: PointerReader, keyHash: string): Promise<KeyGrant | null> {
  const value: unknown = await kv.get(grantKey(keyHash), 'json');
  return value === null ? null : keyGrant.parse(value);
}

async function readAll(bucket: ContentReader, key: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const object = await bucket.get(key);
  return object && new Uint8Array(await object.arrayBuffer());
}
