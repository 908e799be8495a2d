import { Hono } from 'hono';
import type { BlobView } from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { sha256 as sha256Schema } from '../../../shared/manifest.ts';
import { storeBlob } from '../../domain/store-blob.ts';
import { blobSize } from '../../store/published.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check } from '../read-request.ts';

export const blobRoutes = new Hono<ControlEnv>()
  .put('/:sha256', requireScope('write'), async (c) => {
    const sha256 = check(c, sha256Schema, c.req.param('sha256'), 'the digest');
    const length = c.req.header('content-length');
    if (length === undefined) {
      throw new TrunklineError('length-required', `Cannot store blob ${sha256}: send its Content-Length.`);
    }
    const { stores, maxBlobBytes } = c.get('services');
    const upload = { sha256, sizeBytes: Number(length), body: c.req.raw.body };
    const { created, sizeBytes } = await storeBlob(stores, upload, maxBlobBytes, c.get('change'));
    return c.json({ sha256, sizeBytes } satisfies BlobView, created ? 201 : 200);
  })
  // Hono answers HEAD through GET routes. There is no download: content is for the edge, which reads the store itself.
  .get('/:sha256', requireScope('read'), async (c) => {
    if (c.req.method !== 'HEAD') return c.notFound();
    const sha256 = check(c, sha256Schema, c.req.param('sha256'), 'the digest');
    const size = await blobSize(c.get('services').stores.bucket, sha256);
    if (size === null) throw new TrunklineError('not-found', `There is no blob ${sha256}.`);
    return c.body(null, 200, { 'Content-Length': String(size) });
  });
