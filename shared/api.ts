import { z } from 'zod';
import { scope, scopes } from './keys.ts';
import { name, sha256, tensorSpec } from './manifest.ts';
import { errorStatus, type ErrorCode } from './errors.ts';

// What the control API takes and answers, one block a resource. Times are ISO 8601 in UTC. Lists come in pages, newest
// first where the order is by time; `next`, sent as `?cursor=`, asks for the page after and is null on the last one.

/** How every refusal looks: `message` is a sentence for people, `code` is for programs. */
export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;

const time = z.iso.datetime();

export const createKeyRequest = z.strictObject({
  /** For people: what the key is used for. */
  name: z.string().trim().min(1).max(100),
  scopes: z.array(scope).min(1).max(scopes.length),
  /** The project of the key that asks, when left out. Only the bootstrap key may name another one. */
  project: name.optional(),
  /** Never, when left out. */
  expiresInDays: z.int().min(1).max(3650).optional(),
});
export type CreateKeyRequest = z.infer<typeof createKeyRequest>;

export const keyView = z.object({
  id: z.string(),
  name: z.string(),
  project: name,
  scopes: z.array(scope),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});
export type KeyView = z.infer<typeof keyView>;

/** The only reply that carries the key itself. */
export const createdKey = keyView.extend({ key: z.string() });
export type CreatedKey = z.infer<typeof createdKey>;

export const keyList = z.object({ keys: z.array(keyView), next: z.int().nullable() });
export type KeyList = z.infer<typeof keyList>;

export const blobView = z.object({ sha256, sizeBytes: z.int() });
export type BlobView = z.infer<typeof blobView>;

export const bundleView = z.object({
  id: sha256,
  name,
  tasks: z.array(name),
  inputs: z.array(tensorSpec),
  /** Of all its files: what is served, and the report. */
  sizeBytes: z.int(),
  publishedAt: time,
});
export type BundleView = z.infer<typeof bundleView>;

/** Most tasks one endpoint answers. Their bundles are looked up in one D1 statement, which binds 100 values at most. */
export const maxTasks = 64;

export const setEndpointRequest = z.strictObject({
  /** Bundle id by task. */
  tasks: z
    .record(name, sha256)
    .refine((tasks) => Object.keys(tasks).length >= 1, 'must name at least one task')
    .refine((tasks) => Object.keys(tasks).length <= maxTasks, `must name at most ${maxTasks} tasks`),
});
export type SetEndpointRequest = z.infer<typeof setEndpointRequest>;

export const revisionView = z.object({
  revision: z.int(),
  tasks: z.record(name, sha256),
  createdAt: time,
  createdBy: z.string(),
  /** When the edge was told; null when that failed and the request is to be repeated. */
  publishedAt: time.nullable(),
});
export type RevisionView = z.infer<typeof revisionView>;

export const endpointView = revisionView.extend({ name });
export type EndpointView = z.infer<typeof endpointView>;

export const endpointList = z.object({ endpoints: z.array(endpointView), next: z.string().nullable() });
export type EndpointList = z.infer<typeof endpointList>;

/** `next` pages through the history. */
export const endpointDetail = endpointView.extend({
  history: z.array(revisionView),
  next: z.int().nullable(),
});
export type EndpointDetail = z.infer<typeof endpointDetail>;

export const auditList = z.object({
  entries: z.array(
    z.object({
      at: time,
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
  next: z.int().nullable(),
});
export type AuditList = z.infer<typeof auditList>;
