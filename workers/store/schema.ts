import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Scope } from '../../shared/keys.ts';
import type { TensorSpec } from '../../shared/manifest.ts';

// Times are ISO 8601 in UTC. `sequence` orders a table by insertion and pages through it. Nothing here is ever changed
// but a key's `revokedAt` and a revision's `publishedAt`; what a bundle is lies in R2, these are what lists show.

export const apiKeys = sqliteTable('api_keys', {
  sequence: integer().primaryKey({ autoIncrement: true }),
  id: text().notNull().unique(),
  name: text().notNull(),
  /** SHA-256 of the key; the key itself is stored nowhere. */
  hash: text().notNull().unique(),
  scopes: text({ mode: 'json' }).$type<Scope[]>().notNull(),
  createdAt: text('created_at').notNull(),
  expiresAt: text('expires_at'),
  revokedAt: text('revoked_at'),
});

export const bundles = sqliteTable('bundles', {
  sequence: integer().primaryKey({ autoIncrement: true }),
  /** SHA-256 of the manifest's bytes. */
  id: text().notNull().unique(),
  name: text().notNull(),
  tasks: text({ mode: 'json' }).$type<string[]>().notNull(),
  inputs: text({ mode: 'json' }).$type<TensorSpec[]>().notNull(),
  /** Bytes of all distinct files of the bundle. */
  sizeBytes: integer('size_bytes').notNull(),
  publishedAt: text('published_at').notNull(),
});

/** An endpoint is its newest revision; the older ones are its history. */
export const endpointRevisions = sqliteTable(
  'endpoint_revisions',
  {
    endpoint: text().notNull(),
    revision: integer().notNull(),
    /** Bundle id by task. */
    tasks: text({ mode: 'json' }).$type<Record<string, string>>().notNull(),
    createdAt: text('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    /** When the edge was told; null when that failed: repeat the request. */
    publishedAt: text('published_at'),
  },
  (table) => [primaryKey({ columns: [table.endpoint, table.revision] })],
);

export const audit = sqliteTable('audit', {
  sequence: integer().primaryKey({ autoIncrement: true }),
  at: text().notNull(),
  /** Id of the API key that asked. */
  actor: text().notNull(),
  action: text().$type<AuditAction>().notNull(),
  /** What was changed: a key's id, a digest, an endpoint's name. */
  subject: text().notNull(),
  detail: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
});

export type AuditAction = 'key.create' | 'key.revoke' | 'blob.store' | 'bundle.publish' | 'endpoint.set';
