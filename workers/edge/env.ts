import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { trustedKeys, type TrustedKey } from '../../shared/signature.ts';
import type { EdgeMessage } from '../../shared/traffic-message.ts';
import type { Published } from '../store/published.ts';

/** What wrangler.toml binds. The only place that knows the names. */
export interface Bindings {
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
  /** Exposures, and counts of all requests. */
  EXPOSURES: Queue<EdgeMessage>;
  SIGNING_PUBLIC_KEYS?: string;
}

/** @throws {TrunklineError} `internal`, when the deployment lacks a binding or its keys cannot be read. */
export function readBindings(env: Partial<Bindings>): {
  published: Published;
  messages: Queue<EdgeMessage>;
  /** Keys of which one must have signed every manifest; null: they need not be signed. */
  trusted: readonly TrustedKey[] | null;
} {
  const { BUNDLES, ROUTING, EXPOSURES } = env;
  if (!BUNDLES || !ROUTING || !EXPOSURES) {
    const missing = [
      !BUNDLES && 'BUNDLES (R2)',
      !ROUTING && 'ROUTING (KV)',
      !EXPOSURES && 'EXPOSURES (queue)',
    ].filter(Boolean);
    throw new TrunklineError('internal', `Cannot start: this Worker has no binding ${missing.join(' and ')}`);
  }
  const trusted = env.SIGNING_PUBLIC_KEYS === undefined ? null : parseKeys(env.SIGNING_PUBLIC_KEYS);
  return { published: { bundles: BUNDLES, routing: ROUTING }, messages: EXPOSURES, trusted };
}

/** Keys that cannot be read must not come to mean that nothing is checked. */
function parseKeys(text: string): TrustedKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = trustedKeys.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrunklineError(
    'internal',
    `Cannot start: SIGNING_PUBLIC_KEYS is no JSON list of { keyId, publicKey }: ${explainIssues(parsed.error)}`,
  );
}
