import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { listEndpoints } from '../store/published.ts';
import type { Keys } from './auth.ts';
import { readBody } from './body.ts';
import { decodeQuestion } from './decode.ts';
import { encodeReply } from './encode.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import type { Published } from './env.ts';
import { forward, warmUp, type Step } from './forward.ts';
import { limits } from './limits.ts';
import { extensions, modelMetadata } from './oip.ts';
import type { SessionPool } from './pool.ts';

/** As in package.json. */
const serverVersion = '0.1.0';

/** What an isolate keeps between requests. */
export interface Services {
  readonly published: Published;
  readonly keys: Keys;
  readonly endpoints: Endpoints;
  readonly pool: SessionPool;
  /** Starts ONNX Runtime, or throws; answers the bytes of its heap. */
  readonly heapBytes: () => Promise<number>;
}

/** The data plane's routes: the Open Inference Protocol. Health is open, everything else needs a key with scope `infer`. */
export function createApp({ published, keys, endpoints, pool, heapBytes }: Services): Hono {
  const app = new Hono({ strict: false });
  app.onError((error, c) => renderError(error, c));
  app.notFound((c) => reply({ error: `Unknown route: ${c.req.method} ${c.req.path}` }, 404));

  app.get('/v2/health/live', () => reply({ live: true }));
  app.get('/v2/health/ready', async (c) => {
    await finishing(c, heapBytes());
    return reply({ ready: true });
  });

  app.use('/v2/*', async (c, next) => {
    await keys.require('infer', c.req.raw.headers);
    await next();
  });
  app.get('/v2', () => reply({ name: 'trunkline', version: serverVersion, extensions }));
  app.post('/v2/repository/index', async (c) => {
    const readyOnly = await readIndexFilter(c.req.raw);
    const names = await listEndpoints(published.routing);
    const entries = await Promise.all(names.map((name) => indexEntry(endpoints, name)));
    return reply(readyOnly ? entries.filter((entry) => entry.state === 'READY') : entries);
  });

  const find = async (c: Context): Promise<Endpoint> => {
    const endpoint = await endpoints.find(c.req.param('model') ?? '');
    const version = c.req.param('version');
    if (version !== undefined && version !== String(endpoint.revision)) {
      throw new TrunklineError(
        'not-found',
        `Unknown version ${version} of ${endpoint.name}: it serves version ${endpoint.revision}`,
      );
    }
    return endpoint;
  };
  for (const model of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get(model, async (c) => reply(modelMetadata(await find(c))));
    app.get(`${model}/ready`, async (c) => {
      const endpoint = await find(c);
      await finishing(c, warmUp(pool, endpoint));
      return reply({ name: endpoint.name, ready: true });
    });
    app.post(`${model}/infer`, async (c) => {
      const endpoint = await find(c);
      const body = await readBody(c.req.raw, limits.bodyBytes);
      const question = decodeQuestion(
        endpoint,
        body,
        c.req.header('inference-header-content-length') ?? null,
      );
      const asked = question.outputs.map((output) => output.task);
      const { outputs, steps } = await finishing(c, forward(pool, endpoint, asked, question.inputs));
      const answer = encodeReply(endpoint, question, outputs);
      return new Response(answer.body, {
        headers: {
          ...answer.headers,
          'cache-control': noTransform,
          'server-timing': serverTiming(steps),
          'x-trunkline-heap-bytes': String(await heapBytes()),
        },
      });
    });
  }
  return app;
}

/** Known clients decode gzip and deflate only, so nothing on the way may compress otherwise; and answers are not for caches. */
const noTransform = 'no-store, no-transform';

/** A known client loses the text of errors whose content type carries a charset. */
const reply = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': noTransform, ...headers },
  });

/** Work that other requests may come to wait for (a load, the runtime's start) ends even when this client goes away. */
const finishing = <T>(c: Context, work: Promise<T>): Promise<T> => {
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
};

function renderError(error: unknown, c: Context): Response {
  const known = error instanceof TrunklineError;
  if (!known || error.code === 'internal' || error.code === 'unavailable') {
    console.error(
      `${c.req.method} ${c.req.path}: ${known ? error.message : 'internal error'}`,
      ...causes(error),
    );
  }
  if (!known) return reply({ error: 'Cannot answer: an internal error, see the log of this Worker' }, 500);
  const headers = error.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {};
  return reply({ error: error.message }, error.status, headers);
}

/** What to log beside the message: where a bug is, or what lies behind a refusal. */
function causes(error: unknown): unknown[] {
  if (!(error instanceof TrunklineError)) return [error];
  return error.cause === undefined ? [] : [error.cause];
}

/** `load;dur=93;desc="trunk digit", trunk;dur=1, head-digit;dur=0`: one entry for every load and every run. */
const serverTiming = (steps: readonly Step[]): string =>
  steps
    .map(({ what, parts, ms }) => {
      const names = parts.map((task) => (task === null ? 'trunk' : `head-${task}`));
      return what === 'load' ? `load;dur=${ms};desc="${names.join(' ')}"` : `${names.join()};dur=${ms}`;
    })
    .join(', ');

interface IndexEntry {
  name: string;
  version: string;
  state: 'READY' | 'UNAVAILABLE';
  reason: string;
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
