import { Hono } from 'hono';
import type { BundleView } from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { publishBundle } from '../../domain/publish-bundle.ts';
import { readManifest } from '../../store/published.ts';
import { asking } from '../../store/retry.ts';
import { hasBundle } from '../../store/versions.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody } from '../read-request.ts';
import { registryRoutes } from './registry.ts';

export const bundleRoutes = new Hono<ControlEnv>()
  .post(
    '/',
    requireScope('write'),
    (c, next) => limitBody(c.get('services').maxManifestBytes)(c, next),
    async (c) => {
      const bytes = new Uint8Array(await c.req.arrayBuffer());
      const { created, bundle } = await publishBundle(c.get('services').stores, bytes, c.get('change'));
      return c.json(bundle satisfies BundleView, created ? 201 : 200);
    },
  )
  // The manifest, byte for byte: a reader can check it against the id. Names are shorter than digests.
  .get('/:id{[0-9a-f]{64}}', requireScope('read', 'runner'), async (c) => {
    const id = c.req.param('id');
    const { db, bucket } = c.get('services').stores;
    const own = await hasBundle(db, c.get('caller').project, id);
    const bytes = own ? await asking(`read bundle ${id}`, () => readManifest(bucket, id)) : null;
    if (bytes === null) throw new TrunklineError('not-found', `There is no bundle ${id}.`);
    return c.body(bytes, 200, { 'Content-Type': 'application/json' });
  })
  .route('/', registryRoutes('bundles'));
