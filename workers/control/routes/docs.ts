import { Hono } from 'hono';
import type { ControlEnv } from '../context.ts';
import { docsPage } from '../openapi/docs-page.ts';
import { openApiDocument } from '../openapi/document.ts';

/** Seconds a copy is good: the document changes when the Worker is deployed anew. */
const maxAge = 'public, max-age=300';

/** The page may show itself, and nothing else. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/** What there is to ask for, for anybody. */
export const docsRoutes = new Hono<ControlEnv>()
  .get('/openapi.json', (c) => c.json(openApiDocument(), 200, { 'Cache-Control': maxAge }))
  .get('/docs', (c) =>
    c.html(docsPage(), 200, { 'Cache-Control': maxAge, 'Content-Security-Policy': policy }),
  );
