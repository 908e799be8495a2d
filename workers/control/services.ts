import { openStores, type Stores } from '../store/stores.ts';
import type { Config } from './env.ts';

/** What the routes work with: the stores, and the limits that the configuration sets. */
export interface Services {
  stores: Stores;
  maxBlobBytes: number;
  maxManifestBytes: number;
  bootstrapKeyHash: string | null;
}

export const openServices = ({ d1, bucket, kv, ...limits }: Config): Services => ({
  stores: openStores(d1, bucket, kv),
  ...limits,
});
