import { TrunklineError } from '../../shared/errors.ts';
import type { ExposureBatch } from '../../shared/exposure.ts';
import type { Published } from '../store/published.ts';

/** What wrangler.toml binds. The only place that knows the names. */
export interface Bindings {
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
  EXPOSURES: Queue<ExposureBatch>;
}

/** @throws {TrunklineError} `internal`, when the deployment lacks a binding. */
export function readBindings(env: Partial<Bindings>): {
  published: Published;
  exposures: Queue<ExposureBatch>;
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
  return { published: { bundles: BUNDLES, routing: ROUTING }, exposures: EXPOSURES };
}
