import { createSigner } from '../../shared/signature.ts';
import type { UploadLimits } from '../domain/uploads/open-upload.ts';
import { openStores, type Stores } from '../store/stores.ts';
import type { Access, Config } from './env.ts';
import type { Webhook } from './webhook.ts';

/** What the routes work with: the stores, the limits that the configuration sets, and who is told. */
export interface Services {
  stores: Stores;
  maxBlobBytes: number;
  maxManifestBytes: number;
  uploads: UploadLimits;
  bootstrapKeyHash: string | null;
  webhook: Webhook | null;
  leaseMs: number;
  access: Access | null;
  rateLimiter: RateLimit | null;
}

export const openServices = ({ d1, bucket, kv, deadLetters, signingKey, ...rest }: Config): Services => ({
  stores: openStores({
    d1,
    bucket,
    kv,
    deadLetters,
    signer: signingKey === null ? null : createSigner(signingKey),
  }),
  ...rest,
});
