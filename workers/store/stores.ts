import type { Signer } from '../../shared/signature.ts';
import { openDatabase, type Database } from './database.ts';

/** Where everything lies: rows in D1, content in R2, what the edge looks up in KV. */
export interface Stores {
  db: Database;
  bucket: R2Bucket;
  kv: KVNamespace;
  /** Exposures that could not be counted; only this Worker has them. */
  deadLetters: R2Bucket;
  /** Signs every manifest on its way into R2; null: they are not signed. */
  signer: Signer | null;
}

export const openStores = ({ d1, ...bound }: { d1: D1Database } & Omit<Stores, 'db'>): Stores => ({
  db: openDatabase(d1),
  ...bound,
});
