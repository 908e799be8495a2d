import { expect, test } from 'vitest';
import { z } from 'zod';
import { ApiError, HttpClient } from '../../client/http.ts';
import { fakeService, json, refusal } from './fakeService.ts';

const busy = () => refusal(503, 'unavailable', 'Try again.');

test('send() names itself, encodes the path and leaves out queries that are not there', async () => {
  const { asked, options } = fakeService(() => json({}));
  const path = ['v1', 'models', 'a/b'];
  await new HttpClient(options).send({ method: 'GET', path, query: { q: 'x y', cursor: null } });
  expect(asked[0]?.url.href).toBe('http://service.test/v1/models/a%2Fb?q=x+y');
  expect(asked[0]?.headers.get('authorization')).toBe('Bearer tl_key');
});

test('send() repeats what the service is too busy for, and gives up with its sentence', async () => {
  const { asked, options } = fakeService([busy, busy, () => json({ live: true })]);
  const reply = await new HttpClient(options).send({ method: 'GET', path: ['health'] });
  expect(await reply.json()).toEqual({ live: true });
  expect(asked).toHaveLength(3);

  const hopeless = fakeService(busy);
  await expect(
    new HttpClient(hopeless.options).send({ method: 'PUT', path: ['v1', 'endpoints', 'a'] }),
  ).rejects.toMatchObject({
    name: 'ApiError',
    status: 503,
    code: 'unavailable',
    message: 'PUT /v1/endpoints/a answered 503: Try again.',
  });
  expect(hopeless.asked).toHaveLength(4);
});

test('send() waits as long as the service asks before it repeats, not longer', async () => {
  const limited = () => json({ error: 'slow down' }, 429, { 'retry-after': '0.05' });
  const { options, asked } = fakeService([limited, () => json({})]);
  await new HttpClient({ ...options, retryDelayMs: 60_000 }).send({ method: 'GET', path: ['x'] });
  expect(asked).toHaveLength(2);
});

test('send() does not repeat a POST, unless it is told that it may', async () => {
  const once = fakeService(busy);
  await expect(new HttpClient(once.options).send({ method: 'POST', path: ['v1'] })).rejects.toThrow(ApiError);
  expect(once.asked).toHaveLength(1);
  const twice = fakeService([busy, () => json({})]);
  await new HttpClient(twice.options).send({ method: 'POST', path: ['v1'], repeatable: true });
  expect(twice.asked).toHaveLength(2);
});

test('send() does not repeat a refusal, and reads the sentence of either plane or of what stands before them', async () => {
  const of = async (response: Response): Promise<string> => {
    const { options, asked } = fakeService(() => response.clone());
    const error: unknown = await new HttpClient(options)
      .send({ method: 'GET', path: ['x'] })
      .catch((one: unknown) => one);
    expect(asked).toHaveLength(1);
    return error instanceof ApiError ? error.message : 'no ApiError';
  };
  expect(await of(refusal(403, 'forbidden', 'Scope read is needed.'))).toBe(
    'GET /x answered 403: Scope read is needed.',
  );
  expect(await of(json({ error: 'Unknown model "a"' }, 404))).toBe('GET /x answered 404: Unknown model "a"');
  expect(await of(new Response('<html>no</html>', { status: 500 }))).toBe(
    'GET /x answered 500: <html>no</html>',
  );
});

test('send() says what broke the connection, never the key', async () => {
  const { options } = fakeService(() => {
    throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
  });
  const sent = new HttpClient(options).send({ method: 'GET', path: ['health'] });
  await expect(sent).rejects.toMatchObject({
    status: 0,
    message: 'GET /health did not reach http://service.test: connect ECONNREFUSED 127.0.0.1:1',
  });
  await expect(sent).rejects.not.toThrow(/tl_key/);
});

test('send() ends at once when it is told to, also between two tries', async () => {
  const stop = new AbortController();
  const { options, asked } = fakeService(() => {
    setTimeout(() => stop.abort(), 5);
    return busy();
  });
  const client = new HttpClient({ ...options, retryDelayMs: 60_000, signal: stop.signal });
  await expect(client.send({ method: 'GET', path: ['x'] })).rejects.toThrow('aborted');
  expect(asked).toHaveLength(1);
});

test('read() refuses what does not have the form of an answer', async () => {
  const shape = z.object({ live: z.boolean() });
  const good = fakeService(() => json({ live: true, more: 1 }));
  expect(await new HttpClient(good.options).read(shape, { method: 'GET', path: ['health'] })).toEqual({
    live: true,
  });
  const other = fakeService(() => json({ live: 'yes' }));
  await expect(
    new HttpClient(other.options).read(shape, { method: 'GET', path: ['health'] }),
  ).rejects.toThrow('GET /health answered in a form this version does not read');
  const text = fakeService(() => new Response('hello'));
  await expect(new HttpClient(text.options).read(shape, { method: 'GET', path: ['health'] })).rejects.toThrow(
    'GET /health answered no JSON',
  );
});
