import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { listEndpoints, readRouting, type Published } from '../store/published.ts';
import { placeAddressed, placeRequest, type Placement } from './assignment.ts';
import { readBody } from './body.ts';
import { unknownModel, type Endpoint, type Endpoints } from './endpoint.ts';
import { finishing } from './finishing.ts';
import { warmUp } from './forward.ts';
import { infer } from './infer.ts';
import { extensions, modelMetadata } from './oip.ts';
import { renderError, reply } from './reply.ts';
import type { Services } from './services.ts';

/** As in package.json. */
const serverVersion = '0.1.0';

/** What Hono carries from the middleware to the routes: the project that the key is of; null: whoever asks sees all. */
interface EdgeEnv {
  Variables: { project: string | null };
}

/** The data plane's routes: the Open Inference Protocol. Health is open, everything else needs a key with scope `infer`. */
export function createApp(services: Services): Hono {
  const { published, keys, endpoints, pool, heapBytes, traffic } = services;
  const app = new Hono<EdgeEnv>({ strict: false });
  app.onError((error, c) => renderError(error, c));
  app.notFound((c) => reply({ error: `Unknown route: ${c.req.method} ${c.req.path}` }, 404));

  app.use((_, next) => traffic.during(next));
  app.get('/v2/health/live', () => reply({ live: true }));
  app.get('/v2/health/ready', async (c) => {
    await finishing(c, heapBytes());
    return reply({ ready: true });
  });

  app.use('/v2/*', async (c, next) => {
    c.set('project', await keys.require('infer', c.req.raw.headers));
    await next();
  });
  app.get('/v2', () => reply({ name: 'trunkline', version: serverVersion, extensions }));
  app.post('/v2/repository/index', async (c) => {
    const readyOnly = await readIndexFilter(c.req.raw);
    const names = await visible(published, await listEndpoints(published.routing), c.get('project'));
    const entries = await Promise.all(names.map((name) => indexEntry(endpoints, name)));
    return reply(readyOnly ? entries.filter((entry) => entry.state === 'READY') : entries);
  });

  const findAny = async (c: Context<EdgeEnv>): Promise<Endpoint> => {
    const name = c.req.param('model') ?? '';
    const endpoint = await endpoints.find(name);
    const project = c.get('project');
    // What is of another project is as good as not there.
    if (project !== null && endpoint.project !== project) throw unknownModel(name);
    return endpoint;
  };
  const requireVersion = (c: Context<EdgeEnv>, endpoint: Endpoint): void => {
    const version = c.req.param('version');
    if (version !== undefined && version !== String(endpoint.revision)) {
      throw new TrunklineError(
        'not-found',
        `Unknown version ${version} of ${endpoint.name}: it serves version ${endpoint.revision}`,
      );
    }
  };
  const find = async (c: Context<EdgeEnv>): Promise<Endpoint> => {
    const endpoint = await findAny(c);
    requireVersion(c, endpoint);
    return endpoint;
  };
  /**
   * Naming an arm takes the scope "read": it changes nothing, but shows what is published for nobody yet, as the control
   * plane shows it to such keys.
   */
  const place = async (c: Context, { experiments }: Endpoint): Promise<Placement | null> => {
    const address = c.req.header('x-trunkline-arm');
    if (address === undefined) return placeRequest(experiments, c.req.raw);
    await keys.require('read', c.req.raw.headers);
    return placeAddressed(experiments, address, c.req.raw);
  };
  for (const model of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get(model, async (c) => reply(modelMetadata(await find(c))));
    app.get(`${model}/ready`, async (c) => {
      const endpoint = await find(c);
      await finishing(c, warmUp(pool, endpoint));
      return reply({ name: endpoint.name, ready: true });
    });
    app.post(`${model}/infer`, async (c) => {
      let endpoint: Endpoint | null = null;
      let placement: Placement | null;
      try {
        endpoint = await findAny(c);
        requireVersion(c, endpoint);
        placement = await place(c, endpoint);
      } catch (error) {
        countRefusal(services, c, endpoint, error);
        throw error;
      }
      return infer(services, c, endpoint, placement);
    });
  }
  // What its middleware carries to its routes is nobody else's business.
  return app as unknown as Hono;
}

/**
 * Counts a request that did not come to its endpoint: it is broken, or has no such version or arm. Names that are nobody's
 * are not counted, or whoever makes up names would fill the tables.
 */
function countRefusal({ counter }: Services, c: Context, endpoint: Endpoint | null, error: unknown): void {
  const code = error instanceof TrunklineError ? error.code : 'internal';
  if (endpoint === null && code !== 'unavailable') return;
  const counted = { endpoint: endpoint?.name ?? c.req.param('model') ?? '', at: new Date(), error: code };
  c.executionCtx.waitUntil(counter.count(counted));
}

interface IndexEntry {
  name: string;
  version: string;
  state: 'READY' | 'UNAVAILABLE';
  reason: string;
}

/** Those of the endpoints that are of the project; whose nobody can read are of none. */
async function visible(published: Published, names: string[], project: string | null): Promise<string[]> {
  if (project === null) return names;
  const routings = await Promise.all(
    names.map((name) => readRouting(published.routing, name).catch(() => null)),
  );
  return names.filter((_, i) => routings[i]?.project === project);
}

async function indexEntry(endpoints: Endpoints, name: string): Promise<IndexEntry> {
  try {
    const { revision } = await endpoints.find(name);
    return { name, version: String(revision), state: 'READY', reason: '' };
  } catch (error) {
    const reason = error instanceof TrunklineError ? error.message : 'an internal error';
    return { name, version: '', state: 'UNAVAILABLE', reason };
  }
}

const indexFilter = z.object({ ready: z.boolean().default(false) });

/** Whether only ready models are asked for. Clients send an object or nothing at all. */
async function readIndexFilter(request: Request): Promise<boolean> {
  const text = new TextDecoder().decode(await readBody(request, 1_024));
  if (text.trim() === '') return false;
  try {
    return indexFilter.parse(JSON.parse(text)).ready;
  } catch (error) {
    throw new TrunklineError('invalid', 'Cannot read the request: send {"ready": true}, {} or nothing', {
      cause: error,
    });
  }
}
