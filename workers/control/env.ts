import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { sha256 } from '../../shared/manifest.ts';

/** What the platform hands to the Worker, under the names of wrangler.toml. No other file knows them. */
export interface Env {
  DB: D1Database;
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
  DEAD_LETTERS: R2Bucket;
  MAX_BLOB_BYTES: string;
  MAX_MANIFEST_BYTES: string;
  BOOTSTRAP_KEY_HASH?: string;
  WEBHOOK_URL?: string;
  WEBHOOK_SECRET?: string;
}

/** The queues this Worker consumes; see wrangler.toml. */
export const queues = { exposures: 'trunkline-exposures', dead: 'trunkline-exposures-dead' } as const;

export interface Config {
  d1: D1Database;
  bucket: R2Bucket;
  kv: KVNamespace;
  deadLetters: R2Bucket;
  maxBlobBytes: number;
  maxManifestBytes: number;
  /** SHA-256 of the operator's first admin key; null: there is none. */
  bootstrapKeyHash: string | null;
  /** Who is told of every step of an experiment; null: nobody. */
  webhook: { url: string; secret: string } | null;
}

const bytes = z.coerce.number().int().positive();

const variables = z
  .object({
    MAX_BLOB_BYTES: bytes,
    MAX_MANIFEST_BYTES: bytes,
    BOOTSTRAP_KEY_HASH: sha256.optional(),
    WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Long enough that nobody guesses it. */
    WEBHOOK_SECRET: z.string().min(32).optional(),
  })
  .refine((vars) => (vars.WEBHOOK_URL === undefined) === (vars.WEBHOOK_SECRET === undefined), {
    error: 'WEBHOOK_URL and the secret WEBHOOK_SECRET go together',
  });

/** @throws {TrunklineError} `internal`, naming what is missing or wrong in the Worker's configuration */
export function readEnv(env: Partial<Env>): Config {
  const { DB: d1, BUNDLES: bucket, ROUTING: kv, DEAD_LETTERS: deadLetters } = env;
  const parsed = variables.safeParse(env);
  if (!parsed.success) throw misconfigured(explainIssues(parsed.error));
  if (d1 === undefined) throw misconfigured('binding DB (D1) is missing');
  if (bucket === undefined) throw misconfigured('binding BUNDLES (R2) is missing');
  if (kv === undefined) throw misconfigured('binding ROUTING (KV) is missing');
  if (deadLetters === undefined) throw misconfigured('binding DEAD_LETTERS (R2) is missing');
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secret } = parsed.data;
  return {
    d1,
    bucket,
    kv,
    deadLetters,
    maxBlobBytes: parsed.data.MAX_BLOB_BYTES,
    maxManifestBytes: parsed.data.MAX_MANIFEST_BYTES,
    bootstrapKeyHash: parsed.data.BOOTSTRAP_KEY_HASH ?? null,
    webhook: url === undefined || secret === undefined ? null : { url, secret },
  };
}

const misconfigured = (why: string): TrunklineError =>
  new TrunklineError('internal', `The control Worker is not configured: ${why}.`);
