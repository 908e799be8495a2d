import { Hono } from 'hono';
import type { BundleList, BundleView } from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { sha256 } from '../../../shared/manifest.ts';
import { publishBundle, viewOfBundle } from '../../domain/publish-bundle.ts';
import { listBundles } from '../../store/bundles.ts';
import { readManifest } from '../../store/published.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, numberCursor } from '../read-request.ts';

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
  .get('/', requireScope('read'), async (c) => {
    const { rows, next } = await listBundles(c.get('services').stores.db, numberCursor(c));
    return c.json({ bundles: rows.map(viewOfBundle), next } satisfies BundleList);
  })
  // The manifest, byte for byte: a reader can check it against the id.
  .get('/:id', requireScope('read'), async (c) => {
    const id = check(c, sha256, c.req.param('id'), 'the bundle id');
    const bytes = await readManifest(c.get('services').stores.bucket, id);
    if (bytes === null) throw new TrunklineError('not-found', `There is no bundle ${id}.`);
    return c.body(bytes, 200, { 'Content-Type': 'application/json' });
  });
