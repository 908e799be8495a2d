import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { leaseMs } from '../../shared/jobs.ts';
import { sha256 } from '../../shared/manifest.ts';
import { defaultPartBytes, defaultUploadHours } from '../../shared/uploads.ts';
import type { UploadLimits } from '../domain/uploads/open-upload.ts';
import { maxPutBytes } from '../store/publish.ts';

/** What the platform hands to the Worker, under the names of wrangler.toml. No other file knows them. */
export interface Env {
  DB: D1Database;
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
  DEAD_LETTERS: R2Bucket;
  EDGE?: Fetcher;
  MAX_BLOB_BYTES: string;
  MAX_MANIFEST_BYTES: string;
  BOOTSTRAP_KEY_HASH?: string;
  WEBHOOK_URL?: string;
  WEBHOOK_SECRET?: string;
  JOB_LEASE_SECONDS?: string;
  ACCESS_TEAM_DOMAIN?: string;
  ACCESS_AUD?: string;
  ACCESS_ADMINS?: string;
  RATE_LIMITER?: RateLimit;
  UPLOAD_PART_BYTES?: string;
  UPLOAD_HOURS?: string;
  SIGNING_KEY?: string;
}

/** The queues this Worker consumes; see wrangler.toml. */
export const queues = { exposures: 'trunkline-exposures', dead: 'trunkline-exposures-dead' } as const;

export interface Config {
  d1: D1Database;
  bucket: R2Bucket;
  kv: KVNamespace;
  deadLetters: R2Bucket;
  /** The edge Worker; null: its inference is not offered here. */
  edge: Fetcher | null;
  maxBlobBytes: number;
  maxManifestBytes: number;
  uploads: UploadLimits;
  /** The private key that manifests are signed with; null: they are not. */
  signingKey: string | null;
  /** SHA-256 of the operator's first admin key; null: there is none. */
  bootstrapKeyHash: string | null;
  /** Who is told of every step of an experiment; null: nobody. */
  webhook: { url: string; secret: string } | null;
  /** Milliseconds a runner's lease holds after a claim or a heartbeat. */
  leaseMs: number;
  /** Who signs people in; null: there are only keys. */
  access: Access | null;
  /** Counts requests, per key; null: nobody counts. */
  rateLimiter: RateLimit | null;
}

/** Cloudflare Access, which signs in people before they come here. */
export interface Access {
  /** `<team>.cloudflareaccess.com`. */
  teamDomain: string;
  /** The application's audience tag. */
  audience: string;
  /** Addresses of those who manage keys. */
  admins: string[];
}

/** Bytes; the platform refuses request bodies over 100 MB. */
const maxPartBytes = 100_000_000;

const bytes = z.coerce.number().int().positive();

const variables = z
  .object({
    MAX_BLOB_BYTES: bytes,
    MAX_MANIFEST_BYTES: bytes,
    BOOTSTRAP_KEY_HASH: sha256.optional(),
    WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Long enough that nobody guesses it. */
    WEBHOOK_SECRET: z.string().min(32).optional(),
    JOB_LEASE_SECONDS: z.coerce
      .number()
      .int()
      .min(1)
      .max(3600)
      .default(leaseMs / 1000),
    UPLOAD_PART_BYTES: bytes.max(maxPartBytes).default(defaultPartBytes),
    UPLOAD_HOURS: z.coerce.number().positive().max(8760).default(defaultUploadHours),
    SIGNING_KEY: z.base64().min(1).optional(),
    ACCESS_TEAM_DOMAIN: z.hostname().optional(),
    ACCESS_AUD: z.string().min(1).optional(),
    /** Separated by commas. */
    ACCESS_ADMINS: z.string().default(''),
  })
  .refine((vars) => (vars.ACCESS_TEAM_DOMAIN === undefined) === (vars.ACCESS_AUD === undefined), {
    error: 'ACCESS_TEAM_DOMAIN and ACCESS_AUD go together',
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
  const { ACCESS_TEAM_DOMAIN: teamDomain, ACCESS_AUD: audience, ACCESS_ADMINS: admins } = parsed.data;
  return {
    d1,
    bucket,
    kv,
    deadLetters,
    edge: env.EDGE ?? null,
    maxBlobBytes: parsed.data.MAX_BLOB_BYTES,
    maxManifestBytes: parsed.data.MAX_MANIFEST_BYTES,
    bootstrapKeyHash: parsed.data.BOOTSTRAP_KEY_HASH ?? null,
    webhook: url === undefined || secret === undefined ? null : { url, secret },
    uploads: {
      ...{ partBytes: parsed.data.UPLOAD_PART_BYTES, uploadHours: parsed.data.UPLOAD_HOURS },
      putBytes: maxPutBytes,
    },
    signingKey: parsed.data.SIGNING_KEY ?? null,
    leaseMs: parsed.data.JOB_LEASE_SECONDS * 1000,
    access:
      teamDomain === undefined || audience === undefined
        ? null
        : { teamDomain, audience, admins: admins.split(',').map((address) => address.trim().toLowerCase()) },
    rateLimiter: env.RATE_LIMITER ?? null,
  };
}

const misconfigured = (why: string): TrunklineError =>
  new TrunklineError('internal', `The control Worker is not configured: ${why}.`);
