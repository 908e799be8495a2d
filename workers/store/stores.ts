import { openDatabase, type Database } from './database.ts';

/** Where everything lies: rows in D1, content in R2, what the edge looks up in KV. */
export interface Stores {
  db: Database;
  bucket: R2Bucket;
  kv: KVNamespace;
}

export const openStores = (d1: D1Database, bucket: R2Bucket, kv: KVNamespace): Stores => ({
  db: openDatabase(d1),
  bucket,
  kv,
});
