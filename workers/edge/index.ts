import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { Keys } from './auth.ts';
import { Endpoints } from './endpoint.ts';
import { readBindings, type Bindings } from './env.ts';
import { loadFile } from './loader.ts';
import { startRuntime } from './ort.ts';
import { SessionPool } from './pool.ts';
import { openSession } from './session.ts';

/** One per isolate: it keeps the sessions. */
let app: Hono | undefined;

export default {
  fetch(request, env, context) {
    app ??= start(env);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Bindings>;

function start(env: Bindings): Hono {
  const published = readBindings(env);
  return createApp({
    published,
    keys: new Keys(published.routing),
    endpoints: new Endpoints(published),
    pool: new SessionPool((part) => openSession(part, (file) => loadFile(published.bundles, file))),
    heapBytes: async () => (await startRuntime()).memory.buffer.byteLength,
  });
}
