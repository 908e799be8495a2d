import { Hono } from 'hono';
import { gcRequest, type GcReply } from '../../../shared/registry.ts';
import { collectGarbage } from '../../domain/collect-garbage.ts';
import { requireScope, visibleProject } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody, readJson } from '../read-request.ts';

/** Bytes; a request is mostly a cursor. */
const maxBodyBytes = 8192;

export const gcRoutes = new Hono<ControlEnv>()
  // One part of a collection. Again with the cursor of the reply until `next` is null.
  .post('/', requireScope('admin'), limitBody(maxBodyBytes), async (c) => {
    const { dryRun, graceHours, cursor } = await readJson(c, gcRequest);
    const collection = { dryRun, graceHours, cursor, project: visibleProject(c) };
    const reply = await collectGarbage(c.get('services').stores, collection, c.get('change'));
    return c.json(reply satisfies GcReply);
  });
