import { expect, test } from 'vitest';
import { errorStatus } from '../../../shared/errors.ts';
import { openApiDocument } from '../../../workers/control/openapi/document.ts';
import { call } from './client.ts';
import { mounted, operations, routeOf } from './routes-of.ts';

test('every route is documented, and every documented route exists', () => {
  const documented = operations.map(({ method, path }) => routeOf(method, path));
  expect(new Set(documented).size).toBe(documented.length);
  expect(documented.toSorted()).toEqual(mounted.toSorted());
});

test('every reference in the document leads somewhere', () => {
  const document = openApiDocument();
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '');
  expect(refs.length).toBeGreaterThan(100);
  for (const ref of new Set(refs)) {
    const target = ref
      .split('/')
      .slice(1)
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
    expect(target, ref).toBeTypeOf('object');
  }
});

test('the document names every refusal', () => {
  const { components } = openApiDocument() as { components: { responses: object } };
  expect(Object.keys(components.responses)).toEqual(Object.keys(errorStatus));
});

test('GET /openapi.json is the document, for anybody', async () => {
  const response = await call('GET', '/openapi.json');
  expect(response.status).toBe(200);
  expect(response.headers.get('Content-Type')).toMatch(/^application\/json/);
  expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test('GET /docs shows every route and asks nothing of anybody else', async () => {
  const response = await call('GET', '/docs');
  expect(response.status).toBe(200);
  expect(response.headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/);
  const page = await response.text();
  for (const { path, summary } of operations) {
    expect(page).toContain(path);
    expect(page).toContain(summary.replaceAll('"', '&quot;'));
  }
  expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(|https?:/);
});
