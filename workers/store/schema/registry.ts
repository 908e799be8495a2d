import { sql } from 'drizzle-orm';
import {
  foreignKey,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  unique,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import type { Inspection } from '../../../shared/inspection.ts';
import type { Kind, VersionDocument } from '../../../shared/registry.ts';
import { bundles } from '../schema.ts';

// Named versions, and which content in R2 they keep alive. What refers to content does so by a foreign key, so the database
// itself refuses to forget content that is referred to, and to refer to content that was forgotten: see garbage.ts.

/** What every named thing is found by. */
const named = {
  project: text().notNull(),
  kind: text().$type<Kind>().notNull(),
  name: text().notNull(),
};

export const items = sqliteTable(
  'items',
  {
    ...named,
    owner: text().notNull(),
    tags: text({ mode: 'json' }).$type<Record<string, string>>().notNull(),
    card: text().notNull(),
    /** The last version number given: those of deleted versions do not come back. */
    lastVersion: integer('last_version').notNull(),
    createdAt: text('created_at').notNull(),
    changedAt: text('changed_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.project, table.kind, table.name] })],
);

export const versions = sqliteTable(
  'versions',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    ...named,
    version: integer().notNull(),
    /** SHA-256 of the document's canonical JSON; of a bundle, its id. */
    digest: text().notNull(),
    document: text({ mode: 'json' }).$type<VersionDocument>().notNull(),
    /** Of its distinct files. */
    sizeBytes: integer('size_bytes').notNull(),
    createdAt: text('created_at').notNull(),
    createdBy: text('created_by').notNull(),
  },
  (table) => [
    unique('versions_version').on(table.project, table.kind, table.name, table.version),
    unique('versions_digest').on(table.project, table.kind, table.name, table.digest),
    index('versions_by_digest').on(table.digest),
    foreignKey({
      columns: [table.project, table.kind, table.name],
      foreignColumns: [items.project, items.kind, items.name],
    }),
  ],
);

/** Content in R2 that may be referred to. `generation` is new each time it comes back after it was deleted. */
export const blobs = sqliteTable('blobs', {
  sha256: text().primaryKey(),
  sizeBytes: integer('size_bytes').notNull(),
  generation: text().notNull(),
  /** When somebody last sent it or was about to. */
  touchedAt: text('touched_at').notNull(),
});

/** Projects that had the content in hand, so may refer to it. */
export const blobOwners = sqliteTable(
  'blob_owners',
  {
    project: text().notNull(),
    sha256: text()
      .notNull()
      .references(() => blobs.sha256),
  },
  (table) => [
    primaryKey({ columns: [table.project, table.sha256] }),
    index('blob_owners_blob').on(table.sha256),
  ],
);

export const versionFiles = sqliteTable(
  'version_files',
  {
    ...named,
    version: integer().notNull(),
    path: text().notNull(),
    sha256: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.project, table.kind, table.name, table.version, table.path] }),
    index('version_files_blob').on(table.sha256),
    foreignKey({
      columns: [table.project, table.kind, table.name, table.version],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }).onDelete('cascade'),
    foreignKey({
      columns: [table.project, table.sha256],
      foreignColumns: [blobOwners.project, blobOwners.sha256],
    }),
  ],
);

/** Where aliases point now. */
export const aliases = sqliteTable(
  'aliases',
  { ...named, alias: text().notNull(), version: integer().notNull() },
  (table) => [
    primaryKey({ columns: [table.project, table.kind, table.name, table.alias] }),
    foreignKey({
      columns: [table.project, table.kind, table.name, table.version],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }),
  ],
);

/** Where they pointed, and since when. */
export const aliasChanges = sqliteTable(
  'alias_changes',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    ...named,
    alias: text().notNull(),
    /** Null: it was removed. */
    version: integer(),
    changedAt: text('changed_at').notNull(),
    changedBy: text('changed_by').notNull(),
  },
  (table) => [index('alias_changes_alias').on(table.project, table.kind, table.name, table.alias)],
);

/** What a version was made from. A parent cannot be deleted before its children. */
export const lineage = sqliteTable(
  'lineage',
  {
    ...named,
    version: integer().notNull(),
    parentKind: text('parent_kind').$type<Kind>().notNull(),
    parentName: text('parent_name').notNull(),
    parentVersion: integer('parent_version').notNull(),
    role: text().$type<'model' | 'data'>().notNull(),
    /** Of the merge; empty where it had none. */
    task: text().notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.project,
        table.kind,
        table.name,
        table.version,
        table.parentKind,
        table.parentName,
        table.parentVersion,
        table.role,
        table.task,
      ],
    }),
    index('lineage_parent').on(table.project, table.parentKind, table.parentName, table.parentVersion),
    foreignKey({
      columns: [table.project, table.kind, table.name, table.version],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }).onDelete('cascade'),
    foreignKey({
      columns: [table.project, table.parentKind, table.parentName, table.parentVersion],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }),
  ],
);

/** What a runner read of a version. */
export const inspections = sqliteTable(
  'inspections',
  {
    ...named,
    version: integer().notNull(),
    at: text().notNull(),
    document: text({ mode: 'json' }).$type<Inspection>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.project, table.kind, table.name, table.version] }),
    foreignKey({
      columns: [table.project, table.kind, table.name, table.version],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }).onDelete('cascade'),
  ],
);

/** Versions that something outside the registry needs for a while, e.g. `job <id>`: they cannot be deleted until then. */
export const versionUses = sqliteTable(
  'version_uses',
  { holder: text().notNull(), ...named, version: integer().notNull() },
  (table) => [
    primaryKey({ columns: [table.holder, table.project, table.kind, table.name, table.version] }),
    index('version_uses_version').on(table.project, table.kind, table.name, table.version),
    foreignKey({
      columns: [table.project, table.kind, table.name, table.version],
      foreignColumns: [versions.project, versions.kind, versions.name, versions.version],
    }),
  ],
);

/** Blobs that something outside the registry needs for a while, e.g. `job <id>` its checkpoint. */
export const blobUses = sqliteTable(
  'blob_uses',
  { holder: text().notNull(), project: text().notNull(), sha256: text().notNull() },
  (table) => [
    primaryKey({ columns: [table.holder, table.project, table.sha256] }),
    index('blob_uses_blob').on(table.sha256),
    foreignKey({
      columns: [table.project, table.sha256],
      foreignColumns: [blobOwners.project, blobOwners.sha256],
    }),
  ],
);

/** Manifests in R2 that a bundle may be made of. */
export const manifests = sqliteTable('manifests', {
  id: text().primaryKey(),
  generation: text().notNull(),
  touchedAt: text('touched_at').notNull(),
});

/** The files of published bundles. */
export const bundleFiles = sqliteTable(
  'bundle_files',
  {
    bundle: text()
      .notNull()
      .references(() => manifests.id),
    path: text().notNull(),
    sha256: text()
      .notNull()
      .references(() => blobs.sha256),
  },
  (table) => [
    primaryKey({ columns: [table.bundle, table.path] }),
    index('bundle_files_blob').on(table.sha256),
  ],
);

/** Who serves or compares which bundle, now or in its history: revisions of endpoints, versions of experiments. */
export const bundleReferences = sqliteTable(
  'bundle_references',
  {
    by: text().$type<'endpoint' | 'experiment'>().notNull(),
    name: text().notNull(),
    project: text().notNull(),
    /** The revision or version. */
    number: integer().notNull(),
    bundle: text()
      .notNull()
      .references(() => bundles.id),
  },
  (table) => [
    primaryKey({ columns: [table.by, table.name, table.number, table.bundle] }),
    index('bundle_references_bundle').on(table.bundle),
  ],
);

/** Keys in R2 that are being deleted, and since when: nobody may write them meanwhile. */
export const condemned = sqliteTable('condemned', {
  key: text().primaryKey(),
  at: text().notNull(),
});

/** Files on their way in; which parts are there is seen in R2 itself. */
export const uploads = sqliteTable(
  'uploads',
  {
    /** Random, and not the file's digest: its parts must not be guessed. */
    id: text().primaryKey(),
    project: text().notNull(),
    owner: text().notNull(),
    sha256: text().notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    partBytes: integer('part_bytes').notNull(),
    /** `closed`: given up or expired, its parts are being deleted. */
    state: text().$type<'open' | 'stored' | 'closed'>().notNull(),
    createdAt: text('created_at').notNull(),
    expiresAt: text('expires_at').notNull(),
  },
  (table) => [
    uniqueIndex('uploads_open')
      .on(table.project, table.owner, table.sha256, table.sizeBytes)
      .where(sql`state = 'open'`),
    index('uploads_expiry').on(table.expiresAt),
  ],
);
