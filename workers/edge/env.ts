import { TrunklineError } from '../../shared/errors.ts';

/** What wrangler.toml binds. The only place that knows the names. */
export interface Bindings {
  BUNDLES: R2Bucket;
  ROUTING: KVNamespace;
}

/** Where published content is read from; this Worker writes nowhere. */
export interface Published {
  readonly bundles: R2Bucket;
  readonly routing: KVNamespace;
}

/** @throws {TrunklineError} `internal`, when the deployment lacks a binding. */
export function readBindings(env: Partial<Bindings>): Published {
  const { BUNDLES, ROUTING } = env;
  if (!BUNDLES || !ROUTING) {
    const missing = [!BUNDLES && 'BUNDLES (R2)', !ROUTING && 'ROUTING (KV)'].filter(Boolean);
    throw new TrunklineError('internal', `Cannot start: this Worker has no binding ${missing.join(' and ')}`);
  }
  return { bundles: BUNDLES, routing: ROUTING };
}
