import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { Keys } from './auth.ts';
import { Endpoints } from './endpoint.ts';
import { readBindings, type Bindings } from './env.ts';
import { ExposureQueue } from './exposure-queue.ts';
import { loadFile } from './loader.ts';
import { startRuntime } from './ort.ts';
import { SessionPool } from './pool.ts';
import { openSession } from './session.ts';
import { Shadows } from './shadow.ts';
import { Traffic } from './traffic.ts';
import { TrafficCounter } from './traffic-counter.ts';

/** One per isolate: it keeps the sessions. */
let app: Hono | undefined;

export default {
  fetch(request, env, context) {
    app ??= start(env);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Bindings>;

function start(env: Bindings): Hono {
  const { published, messages, trusted } = readBindings(env);
  const endpoints = new Endpoints(published, Date.now, trusted);
  const pool = new SessionPool((part) => openSession(part, (file) => loadFile(published.bundles, file)));
  const traffic = new Traffic();
  return createApp({
    published,
    keys: new Keys(published.routing),
    endpoints,
    pool,
    traffic,
    shadows: new Shadows(pool, endpoints, traffic),
    exposures: new ExposureQueue(messages),
    counter: new TrafficCounter(messages),
    heapBytes: async () => (await startRuntime()).memory.buffer.byteLength,
  });
}
