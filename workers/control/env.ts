import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { sha256 } from '../../shared/manifest.ts';

/** What the platform hands to the Worker, under the names of wrangler.toml. No other file knows them. */
export interface Env {
  DB: D1Database;
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
  MAX_BLOB_BYTES: string;
  MAX_MANIFEST_BYTES: string;
  BOOTSTRAP_KEY_HASH?: string;
}

export interface Config {
  d1: D1Database;
  bucket: R2Bucket;
  kv: KVNamespace;
  maxBlobBytes: number;
  maxManifestBytes: number;
  /** SHA-256 of the operator's first admin key; null: there is none. */
  bootstrapKeyHash: string | null;
}

const bytes = z.coerce.number().int().positive();

const variables = z.object({
  MAX_BLOB_BYTES: bytes,
  MAX_MANIFEST_BYTES: bytes,
  BOOTSTRAP_KEY_HASH: sha256.optional(),
});

/** @throws {TrunklineError} `internal`, naming what is missing or wrong in the Worker's configuration */
export function readEnv(env: Partial<Env>): Config {
  const { DB: d1, BUNDLES: bucket, ROUTING: kv } = env;
  const parsed = variables.safeParse(env);
  if (!parsed.success) throw misconfigured(explainIssues(parsed.error));
  if (d1 === undefined) throw misconfigured('binding DB (D1) is missing');
  if (bucket === undefined) throw misconfigured('binding BUNDLES (R2) is missing');
  if (kv === undefined) throw misconfigured('binding ROUTING (KV) is missing');
  return {
    d1,
    bucket,
    kv,
    maxBlobBytes: parsed.data.MAX_BLOB_BYTES,
    maxManifestBytes: parsed.data.MAX_MANIFEST_BYTES,
    bootstrapKeyHash: parsed.data.BOOTSTRAP_KEY_HASH ?? null,
  };
}

const misconfigured = (why: string): TrunklineError =>
  new TrunklineError('internal', `The control Worker is not configured: ${why}.`);
