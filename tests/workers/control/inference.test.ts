import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { errorBody } from '../../../shared/api.ts';
import { app } from '../../../workers/control/app.ts';
import type { Env } from '../../../workers/control/env.ts';

const edge = (answer: (request: Request) => Response | Promise<Response>): Env => ({
  ...(env as unknown as Env),
  EDGE: { fetch: (request: Request) => Promise.resolve(answer(request)) } as unknown as Fetcher,
});

test('the edge answers at the page’s origin, byte for byte, with the key that was sent', async () => {
  const body = new Uint8Array([0, 255, 7, 10]);
  const bindings = edge(
    async (request) =>
      new Response(await request.arrayBuffer(), {
        headers: {
          'x-path': new URL(request.url).pathname + new URL(request.url).search,
          'x-method': request.method,
          'x-key': request.headers.get('authorization') ?? 'none',
          'server-timing': 'trunk;dur=1.5',
        },
      }),
  );
  const reply = await app.request(
    '/v2/models/both/infer?a=1',
    { method: 'POST', body, headers: { authorization: 'Bearer tl_x' } },
    bindings,
  );
  expect(reply.status).toBe(200);
  expect(new Uint8Array(await reply.arrayBuffer())).toEqual(body);
  expect(reply.headers.get('x-path')).toBe('/v2/models/both/infer?a=1');
  expect(reply.headers.get('x-method')).toBe('POST');
  expect(reply.headers.get('x-key')).toBe('Bearer tl_x');
  expect(reply.headers.get('server-timing')).toBe('trunk;dur=1.5');
});

test('who is signed in by Access is not told to the edge, and its refusals come through as they are', async () => {
  const bindings = edge((request) =>
    Response.json({ error: `seen ${[...request.headers.keys()].join()}` }, { status: 401 }),
  );
  const headers = { cookie: 'CF_Authorization=secret', 'cf-access-jwt-assertion': 'secret', 'x-other': '1' };
  const reply = await app.request('/v2', { headers }, bindings);
  expect(reply.status).toBe(401);
  expect(await reply.json()).toEqual({ error: 'seen x-other' });
});

test('an edge that does not answer, or is not bound, is unavailable', async () => {
  const broken = edge(() => Promise.reject(new Error('gone')));
  const unbound = { ...broken };
  delete unbound.EDGE;
  for (const [bindings, why] of [
    [broken, 'the edge Worker does not answer'],
    [unbound, 'no service binding EDGE'],
  ] as const) {
    const reply = await app.request('/v2/health/ready', {}, bindings);
    expect(reply.status).toBe(503);
    expect(errorBody.parse(await reply.json()).error).toEqual({
      code: 'unavailable',
      message: expect.stringContaining(why) as string,
    });
  }
});
