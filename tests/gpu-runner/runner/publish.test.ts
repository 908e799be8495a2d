import { afterEach, beforeEach, expect, it } from 'vitest';
import { publishBundle, routeEndpoint } from '../../../gpu-runner/runner/publish.ts';
import type { ControlAccess } from '../../../gpu-runner/runner/controlClient.ts';
import { fakeBundle } from '../bundle/fakeBundle.ts';
import { startFakeControl, type FakeControl } from './fakeControl.ts';

const key = 'tl_test_secret';
let control: FakeControl;
let access: ControlAccess;

beforeEach(async () => {
  control = await startFakeControl(key);
  access = { url: control.url, key, retryDelayMs: 1 };
});
afterEach(() => control.stop());

it('publishBundle() uploads every blob and then the manifest, byte for byte', async () => {
  const bundle = fakeBundle();
  const progress: number[] = [];
  const published = await publishBundle(bundle, access, {
    onProgress: ({ sentBytes }) => progress.push(sentBytes),
  });
  expect(published).toEqual({ uploaded: 2, skipped: 0, uploadedBytes: 6 });
  expect(progress).toEqual([5, 6]);
  for (const { path, sha256 } of bundle.manifest.files)
    expect(control.blobs.get(sha256)).toEqual(Buffer.from(bundle.files.get(path) ?? []));
  expect(control.manifests.get(bundle.id)).toEqual(Buffer.from(bundle.manifestBytes));
  expect(control.requests.at(-1)).toBe('POST /v1/bundles');
});

it('publishBundle() sends only what the service lacks', async () => {
  await publishBundle(
    fakeBundle({ 'head-digit.onnx': 'old graph', 'head-digit.weights': 'same weights' }),
    access,
  );
  control.requests.length = 0;
  const newer = fakeBundle({ 'head-digit.onnx': 'new graph', 'head-digit.weights': 'same weights' });
  expect(await publishBundle(newer, access)).toEqual({ uploaded: 1, skipped: 1, uploadedBytes: 9 });
  expect(control.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(1);
});

it('publishBundle() goes on when connections drop and when the service is busy', async () => {
  let drops = 0;
  control.interfere = (request, response) => {
    drops += 1;
    if (drops % 3 === 1) request.socket.destroy();
    else if (drops % 3 === 2) response.writeHead(503).end('busy');
    return drops % 3 !== 0;
  };
  const bundle = fakeBundle();
  expect((await publishBundle(bundle, access)).uploaded).toBe(2);
  expect(control.manifests.has(bundle.id)).toBe(true);
});

it('publishBundle() gives up after four attempts and leaves no manifest behind', async () => {
  control.interfere = (request) => request.method === 'PUT' && Boolean(request.socket.destroy());
  const bundle = fakeBundle();
  await expect(publishBundle(bundle, access)).rejects.toThrow(
    /^Cannot publish bundle fake: PUT \/v1\/blobs\/[0-9a-f]{64} did not reach http:\/\/127\.0\.0\.1:\d+: .+ \(tried 4 times\)$/,
  );
  expect(control.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(4);
  expect(control.manifests.size).toBe(0);
});

it('publishBundle() repeats a refusal in the words of the service, without trying again', async () => {
  await expect(publishBundle(fakeBundle(), { ...access, key: 'wrong' })).rejects.toThrow(/answered 401/);
  expect(control.requests).toHaveLength(1);

  const bundle = fakeBundle();
  const files = new Map(bundle.files).set('head-digit.weights', new TextEncoder().encode('x'));
  await expect(publishBundle({ ...bundle, files }, access)).rejects.toThrow(
    /^Cannot publish bundle fake: PUT \/v1\/blobs\/[0-9a-f]{64} answered 422: Cannot store blob .*: its digest is/,
  );
  expect(control.manifests.size).toBe(0);
});

it('publishBundle() shows what a stranger at the address answers', async () => {
  control.interfere = (_, response) => {
    response.writeHead(418, { 'content-type': 'text/html' }).end('<h1>teapot</h1>');
    return true;
  };
  await expect(routeEndpoint('demo', { digit: 'x' }, access)).rejects.toThrow(
    'answered 418: <h1>teapot</h1>',
  );
});

it('publishBundle() says when nobody is there', async () => {
  await control.stop();
  await expect(publishBundle(fakeBundle(), access)).rejects.toThrow(
    /did not reach .*ECONNREFUSED.*tried 4 times/,
  );
});

it('publishBundle() stops when it is told to', async () => {
  const stop = new AbortController();
  control.interfere = (request) => {
    if (request.method === 'PUT') stop.abort(new Error('enough'));
    return request.method === 'PUT';
  };
  await expect(publishBundle(fakeBundle(), { ...access, signal: stop.signal })).rejects.toThrow('enough');
  expect(control.manifests.size).toBe(0);
});

it('routeEndpoint() sets which bundle answers each task and returns the revision', async () => {
  const tasks = { digit: 'a'.repeat(64), fashion: 'b'.repeat(64) };
  expect(await routeEndpoint('demo', tasks, access)).toMatchObject({ name: 'demo', revision: 1, tasks });
  expect(control.endpoints.get('demo')).toEqual(tasks);
});

it('routeEndpoint() names the endpoint and the reason when it is refused', async () => {
  await expect(routeEndpoint('demo', {}, { ...access, key: 'wrong' })).rejects.toThrow(
    'Cannot route endpoint demo: PUT /v1/endpoints/demo answered 401: This key is not known.',
  );
});
