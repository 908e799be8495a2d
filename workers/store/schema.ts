import { index, integer, primaryKey, real, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Experiment, ExperimentState } from '../../shared/experiment.ts';
import type { Agreement, ExposureReason } from '../../shared/exposure.ts';
import { defaultProject, type Scope } from '../../shared/keys.ts';
import type { TensorSpec } from '../../shared/manifest.ts';
import type { Action } from '../../shared/statistics/decide.ts';

// Times are ISO 8601 in UTC. `sequence` orders a table by insertion and pages through it. Nothing here is ever changed
// but a key's `revokedAt`, a `publishedAt` and how far the webhook has come; what a bundle is lies in R2, these are what
// lists show.

export const apiKeys = sqliteTable('api_keys', {
  sequence: integer().primaryKey({ autoIncrement: true }),
  id: text().notNull().unique(),
  project: text().notNull().default(defaultProject),
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
    project: text().notNull().default(defaultProject),
    /** Bundle id by task; none: the endpoint was deleted. */
    tasks: text({ mode: 'json' }).$type<Record<string, string>>().notNull(),
    createdAt: text('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    /** When the edge was told; null when that failed: repeat the request. */
    publishedAt: text('published_at'),
  },
  (table) => [primaryKey({ columns: [table.endpoint, table.revision] })],
);

/** An experiment is its newest version; every edit and every step of its life is one more. */
export const experimentVersions = sqliteTable(
  'experiment_versions',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    experiment: text().notNull(),
    project: text().notNull().default(defaultProject),
    version: integer().notNull(),
    endpoint: text().notNull(),
    state: text().$type<ExperimentState>().notNull(),
    /** The whole experiment. */
    document: text({ mode: 'json' }).$type<Experiment>().notNull(),
    /** What made this version out of the one before. */
    step: text().$type<ExperimentStep>().notNull(),
    /** Why, where a rule or a person said. */
    reason: text(),
    createdAt: text('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    /** When the edge was told; null until then. */
    publishedAt: text('published_at'),
  },
  (table) => [
    unique('experiment_versions_version').on(table.experiment, table.version),
    index('experiment_versions_endpoint').on(table.endpoint),
  ],
);

export type ExperimentStep =
  'create' | 'edit' | 'start' | 'pause' | 'resume' | 'advance' | 'decide' | 'roll-back' | 'archive';

/** What the rule said of an experiment and on what figures, each time that it said something new or units had grown. */
export const evaluations = sqliteTable(
  'evaluations',
  {
    sequence: integer().primaryKey({ autoIncrement: true }),
    experiment: text().notNull(),
    /** Of the units that were compared. */
    revision: integer().notNull(),
    version: integer().notNull(),
    at: text().notNull(),
    action: text().$type<Action['kind']>().notNull(),
    reason: text().notNull(),
    figures: text({ mode: 'json' }).$type<Figures>().notNull(),
  },
  (table) => [index('evaluations_experiment').on(table.experiment, table.revision)],
);

/** What a curve of an experiment over time is drawn from. Null stands for an infinite end of an interval. */
export interface Figures {
  /** By arm. */
  units: Record<string, number>;
  comparisons: {
    arm: string;
    task: string;
    value: number | null;
    low: number | null;
    high: number | null;
  }[];
}

/** Requests that an experiment's endpoint answered, one row each however often the queue delivers them. */
export const exposures = sqliteTable(
  'exposures',
  {
    requestId: text('request_id').primaryKey(),
    endpoint: text().notNull(),
    endpointRevision: integer('endpoint_revision').notNull(),
    at: text().notNull(),
    experiment: text().notNull(),
    revision: integer().notNull(),
    phase: integer().notNull(),
    arm: text().notNull(),
    reason: text().$type<ExposureReason>().notNull(),
    /** As `hashUnit()` makes it; null when the request named none. */
    unit: text(),
    tasks: text({ mode: 'json' }).$type<string[]>().notNull(),
    /** Class of each sample, by task. */
    predicted: text({ mode: 'json' }).$type<Record<string, number[]>>().notNull(),
    totalMs: real('total_ms').notNull(),
    loadMs: real('load_ms').notNull(),
    trunkMs: real('trunk_ms').notNull(),
    headsMs: real('heads_ms').notNull(),
    bytesLoaded: integer('bytes_loaded').notNull(),
    heapBytes: integer('heap_bytes').notNull(),
    cold: integer({ mode: 'boolean' }).notNull(),
    error: text().$type<ErrorCode>(),
    /** Null when no shadow ran. */
    shadowArm: text('shadow_arm'),
    shadowMs: real('shadow_ms'),
    shadowBytesLoaded: integer('shadow_bytes_loaded'),
    shadowError: text('shadow_error').$type<ErrorCode>(),
    agreement: text({ mode: 'json' }).$type<Record<string, Agreement>>(),
  },
  (table) => [index('exposures_experiment').on(table.experiment, table.revision, table.unit)],
);

/** What came of a request or a unit, by task. The first one said stands. */
export const outcomes = sqliteTable(
  'outcomes',
  {
    /** A request id, or a unit as `hashUnit()` makes it. */
    kind: text().$type<'request' | 'unit'>().notNull(),
    subject: text().notNull(),
    task: text().notNull(),
    /** The right class of each sample, or null when there is a reward. */
    truth: text({ mode: 'json' }).$type<number[]>(),
    /** 0 to 1, or null when there is a truth. */
    reward: real(),
    at: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.subject, table.task] })],
);

/** How far the webhook has come through the audit log. */
export const webhookProgress = sqliteTable('webhook_progress', {
  url: text().primaryKey(),
  /** The last audit entry that was delivered. */
  sequence: integer().notNull(),
});

export const audit = sqliteTable('audit', {
  sequence: integer().primaryKey({ autoIncrement: true }),
  at: text().notNull(),
  project: text().notNull().default(defaultProject),
  /** Id of the API key that asked, or `rule`. */
  actor: text().notNull(),
  action: text().$type<AuditAction>().notNull(),
  /** What was changed: a key's id, a digest, the name of an endpoint or an experiment, `models/digit` and the like. */
  subject: text().notNull(),
  detail: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
});

export type AuditAction =
  | 'key.create'
  | 'key.revoke'
  | 'blob.store'
  | 'bundle.publish'
  | 'version.register'
  | 'version.delete'
  | 'alias.set'
  | 'alias.delete'
  | 'tags.set'
  | 'card.set'
  | 'content.collect'
  | 'endpoint.set'
  | 'endpoint.delete'
  | 'exposures.replay'
  | `job.${'create' | 'cancel' | 'finished' | 'failed' | 'cancelled'}`
  | 'experiment.hold'
  | `experiment.${ExperimentStep}`;
