import { Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { TrunklineError } from '../../shared/errors.ts';
import { admit } from './admit.ts';
import { requireCaller } from './auth.ts';
import type { ControlEnv } from './context.ts';
import { readEnv } from './env.ts';
import { limitRate } from './rate-limit.ts';
import { renderError } from './render-error.ts';
import { auditRoutes } from './routes/audit.ts';
import { blobRoutes } from './routes/blobs.ts';
import { bundleRoutes } from './routes/bundles.ts';
import { docsRoutes } from './routes/docs.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { exposureRoutes } from './routes/exposures.ts';
import { gcRoutes } from './routes/gc.ts';
import { inferenceRoutes } from './routes/inference.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { mergeRoutes } from './routes/merges.ts';
import { outcomeRoutes } from './routes/outcomes.ts';
import { planRoutes } from './routes/plans.ts';
import { registryRoutes } from './routes/registry.ts';
import { runnerRoutes } from './routes/runner.ts';
import { runnersRoutes } from './routes/runners.ts';
import { trafficRoutes } from './routes/traffic.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { openServices } from './services.ts';

/** The control plane's HTTP: /health and what there is to ask for anybody, /v1 for holders of a key. */
export const app = new Hono<ControlEnv>()
  .onError(renderError)
  .notFound((c) => {
    throw new TrunklineError('not-found', `There is no ${c.req.method} ${c.req.path} here.`);
  })
  .use(requestId())
  .get('/health', (c) => c.json({ live: true }))
  .route('/', docsRoutes)
  .route('/v2', inferenceRoutes)
  .use('/v1/*', admit())
  .use('/v1/*', async (c, next) => {
    c.set('services', openServices(readEnv(c.env)));
    await next();
  })
  .use('/v1/*', requireCaller, limitRate)
  .route('/v1/keys', keyRoutes)
  .route('/v1/blobs', blobRoutes)
  .route('/v1/uploads', uploadRoutes)
  .route('/v1/models', registryRoutes('models'))
  .route('/v1/datasets', registryRoutes('datasets'))
  .route('/v1/bundles', bundleRoutes)
  .route('/v1/endpoints', endpointRoutes)
  .route('/v1/traffic', trafficRoutes)
  .route('/v1/experiments', experimentRoutes)
  .route('/v1/exposures', exposureRoutes)
  .route('/v1/outcomes', outcomeRoutes)
  .route('/v1/audit', auditRoutes)
  .route('/v1/gc', gcRoutes)
  .route('/v1/merges', mergeRoutes)
  .route('/v1/plans', planRoutes)
  .route('/v1/jobs', jobRoutes)
  .route('/v1/runners', runnersRoutes)
  .route('/v1/runner', runnerRoutes);
