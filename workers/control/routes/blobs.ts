import { Hono, type Context } from 'hono';
import type { BlobView } from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { sha256 as sha256Schema } from '../../../shared/manifest.ts';
import { storeBlob } from '../../domain/store-blob.ts';
import { ownedSize } from '../../store/blobs.ts';
import { openBlob } from '../../store/publish.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { parseRange, type ByteRange } from '../byte-range.ts';
import { check } from '../read-request.ts';

export const blobRoutes = new Hono<ControlEnv>()
  .put('/:sha256', requireScope('write', 'runner'), async (c) => {
    const sha256 = digestOf(c);
    const length = c.req.header('content-length');
    if (length === undefined) {
      throw new TrunklineError('length-required', `Cannot store blob ${sha256}: send its Content-Length.`);
    }
    const { stores, maxBlobBytes } = c.get('services');
    const upload = { sha256, sizeBytes: Number(length), body: c.req.raw.body };
    const { created, sizeBytes } = await storeBlob(stores, upload, maxBlobBytes, c.get('change'));
    return c.json({ sha256, sizeBytes } satisfies BlobView, created ? 201 : 200);
  })
  // Hono answers HEAD through GET routes.
  .get('/:sha256', requireScope('read', 'runner'), async (c) => {
    const sha256 = digestOf(c);
    const { db, bucket } = c.get('services').stores;
    const sizeBytes = await ownedSize(db, c.get('caller').project, sha256);
    if (sizeBytes === null) throw new TrunklineError('not-found', `There is no blob ${sha256}.`);
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(sizeBytes),
      'Accept-Ranges': 'bytes',
      ETag: `"${sha256}"`,
      // What a digest names never changes; whether this key may see it can.
      'Cache-Control': 'private, no-cache, no-transform',
    };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const range = parseRange(c.req.header('range'), sizeBytes);
    if (range === 'unsatisfiable') {
      return c.body(null, 416, { 'Content-Range': `bytes */${sizeBytes}` });
    }
    const blob = await openBlob(bucket, sha256, range ?? undefined);
    if (blob === null) {
      throw new TrunklineError('unavailable', `Cannot read blob ${sha256}: the storage does not have it.`);
    }
    if (range === null) return c.body(blob.body, 200, headers);
    return c.body(blob.body, 206, { ...headers, ...partHeaders(range, sizeBytes) });
  });

const digestOf = (c: Context<ControlEnv>): string =>
  check(c, sha256Schema, c.req.param('sha256'), 'the digest');

const partHeaders = ({ offset, length }: ByteRange, sizeBytes: number) => ({
  'Content-Length': String(length),
  'Content-Range': `bytes ${offset}-${offset + length - 1}/${sizeBytes}`,
});
