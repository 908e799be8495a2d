import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { admit } from '../../../workers/control/admit.ts';
import type { ControlEnv } from '../../../workers/control/context.ts';
import { renderError } from '../../../workers/control/render-error.ts';

/** An app that answers when it is told to. */
function waiting(most: number) {
  const open: (() => void)[] = [];
  const app = new Hono<ControlEnv>()
    .onError(renderError)
    .use(admit(most))
    .get('/', async (c) => {
      await new Promise<void>((resolve) => open.push(resolve));
      return c.text('done');
    })
    .get('/broken', () => {
      throw new Error('broken');
    });
  return {
    get: async (path: string): Promise<Response> => app.request(path),
    answer: () => open.splice(0).forEach((resolve) => resolve()),
  };
}

test('admit() answers as many requests at a time as it may and refuses the next at once, until one is done', async () => {
  const { get, answer } = waiting(2);
  const first = [get('/'), get('/')];
  const refused = await get('/');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toEqual({
    error: {
      code: 'unavailable',
      message: 'Cannot answer now: 2 requests are being answered already; send it again in a moment.',
    },
  });
  answer();
  for (const one of await Promise.all(first)) expect(one.status).toBe(200);
  const next = get('/');
  answer();
  expect((await next).status).toBe(200);
});

test('admit() forgets requests that failed', async () => {
  const { get } = waiting(1);
  for (let k = 0; k < 3; k += 1) expect((await get('/broken')).status).toBe(500);
});
