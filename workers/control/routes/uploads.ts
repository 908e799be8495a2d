import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { TrunklineError } from '../../../shared/errors.ts';
import { createUploadRequest, uploadId, type PartView, type UploadView } from '../../../shared/uploads.ts';
import { commitUpload } from '../../domain/uploads/commit-upload.ts';
import { needUpload, openUpload, viewOfUpload } from '../../domain/uploads/open-upload.ts';
import { receivePart } from '../../domain/uploads/receive-part.ts';
import { giveUpUpload } from '../../domain/uploads/sweep-uploads.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, readJson } from '../read-request.ts';

/** Bytes; a request is a digest and a number. */
const maxBodyBytes = 1024;

const partNumber = z.coerce.number().int().min(1);

export const uploadRoutes = new Hono<ControlEnv>()
  .post('/', requireScope('write', 'runner'), limitBody(maxBodyBytes), async (c) => {
    const file = await readJson(c, createUploadRequest);
    const { stores, uploads } = c.get('services');
    const { created, upload } = await openUpload(stores, file, uploads, c.get('change'));
    return c.json(upload satisfies UploadView, created ? 201 : 200);
  })
  .get('/:id', requireScope('write', 'runner'), async (c) => {
    const { stores } = c.get('services');
    const row = await needUpload(stores, c.get('caller').project, idOf(c));
    return c.json((await viewOfUpload(stores, row)) satisfies UploadView);
  })
  .put('/:id/parts/:part', requireScope('write', 'runner'), async (c) => {
    const upload = idOf(c);
    const part = check(c, partNumber, c.req.param('part'), 'the number of the part');
    const length = c.req.header('content-length');
    if (length === undefined) {
      throw new TrunklineError(
        'length-required',
        `Cannot store part ${part} of upload ${upload}: send its Content-Length.`,
      );
    }
    const { stores, uploads } = c.get('services');
    const incoming = { upload, part, sizeBytes: Number(length), body: c.req.raw.body };
    const kept = await receivePart(stores, incoming, uploads, c.get('change'));
    return c.json(kept satisfies PartView);
  })
  .post('/:id/commit', requireScope('write', 'runner'), async (c) => {
    const { stores, uploads } = c.get('services');
    const trusted = c.get('caller').scopes.includes('runner');
    const committing = { trusted, limits: uploads };
    const upload = await commitUpload(stores, idOf(c), committing, c.get('change'));
    return c.json(upload satisfies UploadView);
  })
  .delete('/:id', requireScope('write', 'runner'), async (c) => {
    await giveUpUpload(c.get('services').stores, idOf(c), c.get('change'));
    return c.body(null, 204);
  });

const idOf = (c: Context<ControlEnv>): string => check(c, uploadId, c.req.param('id'), 'the upload id');
