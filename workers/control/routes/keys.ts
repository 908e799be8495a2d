import { Hono } from 'hono';
import { createKeyRequest, type CreatedKey, type KeyList } from '../../../shared/api.ts';
import { createKey, revokeKey, viewOfKey } from '../../domain/api-keys.ts';
import { listApiKeys } from '../../store/api-keys.ts';
import { requireScope, visibleProject } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody, numberCursor, readJson } from '../read-request.ts';

/** Bytes; a request names a key and its scopes. */
const maxBodyBytes = 4096;

export const keyRoutes = new Hono<ControlEnv>()
  .use(requireScope('admin'))
  .post('/', limitBody(maxBodyBytes), async (c) => {
    const request = await readJson(c, createKeyRequest);
    const created = await createKey(c.get('services').stores, c.get('caller'), request, c.get('change'));
    // The only reply that holds a secret: nothing on the way may keep it.
    return c.json(created satisfies CreatedKey, 201, { 'Cache-Control': 'no-store' });
  })
  .get('/', async (c) => {
    const { rows, next } = await listApiKeys(c.get('services').stores.db, visibleProject(c), numberCursor(c));
    return c.json({ keys: rows.map(viewOfKey), next } satisfies KeyList);
  })
  .delete('/:id', async (c) => {
    await revokeKey(c.get('services').stores, c.get('caller'), c.req.param('id'), c.get('change'));
    return c.body(null, 204);
  });
