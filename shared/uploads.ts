import { z } from 'zod';
import { sha256 } from './manifest.ts';

// Files of any size in equal parts; the server remembers which are there, so a client that died goes on where it was.
//
//   POST   /v1/uploads                 createUploadRequest -> 201 or 200 uploadView: the same file again is the same upload
//   GET    /v1/uploads/:id             uploadView
//   PUT    /v1/uploads/:id/parts/:n    raw bytes, n from 1 on; every part has `partBytes` but the last, which has the rest
//   POST   /v1/uploads/:id/commit      uploadView: the blob is there once its SHA-256 is the one announced
//   DELETE /v1/uploads/:id             204
//   GET    /v1/blobs/:sha256           the content (Range: bytes=a-b); scope `runner` or `read`
//   PUT    /v1/blobs/:sha256           a small file in one request

/** Most parts of one upload: its commit reads and writes each of them, in the 1,000 operations that a Worker's request has. */
export const maxParts = 450;
/** Most bytes of one file: so many parts of what a Worker's request carries, 100 MB (40 GiB). */
export const maxUploadBytes = 40 * 1024 ** 3;
/** Bytes of a part, unless the control Worker is configured otherwise. */
export const defaultPartBytes = 8 * 1024 ** 2;
/** Hours an upload waits for its next part, unless the control Worker is configured otherwise. */
export const defaultUploadHours = 24;

export const createUploadRequest = z.strictObject({
  sha256,
  sizeBytes: z.int().min(0).max(maxUploadBytes),
});
export type CreateUploadRequest = z.infer<typeof createUploadRequest>;

/** 32 hex digits. */
export const uploadId = z.string().regex(/^[0-9a-f]{32}$/, 'must be an upload id of 32 hex digits');

export const uploadView = z.discriminatedUnion('state', [
  /** Send the parts that are not `received`, then commit. */
  z.object({
    state: z.literal('open'),
    id: uploadId,
    sha256,
    sizeBytes: z.int(),
    partBytes: z.int().min(1),
    /** How many there are; 0 for an empty file. */
    parts: z.int().min(0),
    received: z.array(z.int().min(1)),
    /** Later with every part. */
    expiresAt: z.iso.datetime(),
  }),
  /** The blob is there and this project may refer to it: nothing more to send. */
  z.object({ state: z.literal('stored'), sha256, sizeBytes: z.int() }),
]);
export type UploadView = z.infer<typeof uploadView>;

/** Bytes part `n` (from 1 on) of an upload must have. */
export const partSize = (
  { sizeBytes, partBytes }: { sizeBytes: number; partBytes: number },
  n: number,
): number => Math.min(partBytes, sizeBytes - (n - 1) * partBytes);

export const partCount = ({ sizeBytes, partBytes }: { sizeBytes: number; partBytes: number }): number =>
  Math.ceil(sizeBytes / partBytes);

/** A whole part was kept. */
export const partView = z.object({ part: z.int().min(1), sizeBytes: z.int(), expiresAt: z.iso.datetime() });
export type PartView = z.infer<typeof partView>;
