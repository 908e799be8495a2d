import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { writeModelFile } from '../../../../gpu-runner/onnx/files.ts';
import { wholeNetwork } from '../../../flows/edge-bundles.ts';
import { at, digest, itemView } from '../views.ts';
import { FakeControl, Home } from '../runCli.ts';
import { withService } from './remote.ts';

const service = withService();

/** A service that has every file already. */
const stored = {
  'POST /v1/uploads': { state: 'stored', sha256: digest('0'), sizeBytes: 1 },
  'POST /v1/models/digit-net/versions': { name: 'digit-net', version: 1, digest: digest('d') },
  'POST /v1/datasets/shapes/versions': { name: 'shapes', version: 4, digest: digest('d') },
};

test('push model registers the graph and the data files its weights lie in', async () => {
  service.answer({
    ...stored,
    'GET /v1/models/digit-net': itemView(),
    'PUT /v1/models/digit-net/tags': itemView(),
    'PUT /v1/models/digit-net/aliases/champion': {
      alias: 'champion',
      version: 1,
      changedAt: at,
      changedBy: 'k',
    },
  });
  // Large enough to lie outside the graph.
  const graph = wholeNetwork('digit');
  graph.initializers.set('unused', { dtype: 'float32', dims: [512], data: new Float32Array(512) });
  writeModelFile(service.path('Digit Net.onnx'), graph, { externalData: 'digit.weights' });
  const wrong = await service.run(['push', 'model', service.path('Digit Net.onnx')]);
  expect(wrong.err).toContain('"Digit Net.onnx" is no plain file name');
  writeModelFile(service.path('digit-net.onnx'), graph, { externalData: 'digit.weights' });
  const { status, out, err } = await service.run([
    ...['push', 'model', service.path('digit-net.onnx'), '--task', 'digit', '--labels', 'a,b,c'],
    ...['--alias', 'champion', '--tag', 'team=vision'],
  ]);
  expect(status, err).toBe(0);
  expect(out).toContain('Registered digit-net@1, which is digit-net@champion now');
  expect(err).toContain('digit-net.onnx: ');
  const document = JSON.parse(String(service.last('POST')?.body)) as {
    files: { path: string; sizeBytes: number }[];
  };
  expect(document).toMatchObject({ format: 'trunkline.model/1', task: 'digit', labels: ['a', 'b', 'c'] });
  expect(document.files.map(({ path }) => path)).toEqual(['digit-net.onnx', 'digit.weights']);
});

test('push refuses what is no model before anything is sent', async () => {
  await writeFile(service.path('text.onnx'), 'not a network');
  const { status, err } = await service.run(['push', 'model', service.path('text.onnx')]);
  expect(status).toBe(1);
  expect(err).toMatch(/^Cannot use .*text\.onnx as a model: /);
  expect((await service.run(['push', 'model', service.path('none.onnx')])).err).toContain(
    'there is no such file',
  );
  expect(service.asked()).toEqual([]);
});

test('push dataset packs a folder of class folders and registers it as an archive', async () => {
  service.answer(stored);
  for (const [index, name] of ['circle', 'square'].entries()) {
    await mkdir(service.path('shapes', name), { recursive: true });
    const image = sharp({
      create: { width: 4, height: 4, channels: 3, background: { r: index * 200, g: 0, b: 0 } },
    });
    await image.png().toFile(service.path('shapes', name, 'a.png'));
  }
  const how = { layout: [3, 4, 4], channels: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] };
  await writeFile(service.path('how.json'), JSON.stringify(how));
  const { status, err, out } = await service.run([
    ...['push', 'dataset', service.path('shapes'), '--preprocessing', service.path('how.json')],
  ]);
  expect(status, err).toBe(0);
  expect(out).toContain('Registered shapes@4');
  const uploaded = JSON.parse(String(service.last('POST')?.body)) as Record<string, unknown>;
  expect(uploaded).toMatchObject({
    format: 'trunkline.dataset/1',
    files: [{ path: 'shapes.tar' }],
    source: { kind: 'images', archive: 'shapes.tar' },
    preprocessing: how,
    labels: ['circle', 'square'],
    split: { validation: 0.1, seed: 1 },
  });
});

test('push says which name it cannot use', async () => {
  const { status, err } = await service.run(['push', 'dataset', service.path('___')]);
  expect(status).toBe(2);
  expect(err).toContain('is no name for the registry: give one with --name');
});

test('push that is killed on the way goes on where it was', async () => {
  const graph = wholeNetwork('digit');
  graph.initializers.set('unused', { dtype: 'float32', dims: [4096], data: new Float32Array(4096).fill(1) });
  writeModelFile(service.path('digit.onnx'), graph);
  const partBytes = 1024;
  const received = new Map<number, number>();
  let parts = 0;
  let isDead = false;
  const view = (body: Buffer) => {
    const { sha256, sizeBytes } = JSON.parse(body.toString()) as { sha256: string; sizeBytes: number };
    parts = Math.ceil(sizeBytes / partBytes);
    return {
      ...{ state: 'open', id: 'b'.repeat(32), sha256, sizeBytes, partBytes, parts },
      received: [...received.keys()],
      expiresAt: at,
    };
  };
  const control = await FakeControl.start(({ method, path, body }) => {
    const part = Number(/\/parts\/(\d+)$/.exec(path)?.[1] ?? 0);
    if (path === '/v1/uploads') return { json: view(body) };
    if (method === 'PUT') {
      received.set(part, (received.get(part) ?? 0) + 1);
      // The process is killed while this answer is on its way.
      if (received.size === 5 && !isDead) child.kill('SIGKILL');
      return { json: { part, sizeBytes: body.length, expiresAt: at } };
    }
    if (path.endsWith('/commit')) return { json: { state: 'stored', sha256: digest('0'), sizeBytes: 1 } };
    return { json: { name: 'digit', version: 1, digest: digest('d') } };
  });
  const args = ['push', 'model', service.path('digit.onnx')];
  const env = { TRUNKLINE_URL: control.url, TRUNKLINE_KEY: 'tl_key' };
  const child = spawn(process.execPath, ['gpu-runner/cli.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  await once(child, 'exit');
  isDead = true;
  expect(child.signalCode).toBe('SIGKILL');
  const before = new Set(received.keys());
  const home = await Home.make();
  const again = await home.run(args, env);
  expect(again.status, again.err).toBe(0);
  expect([...received.keys()].sort((a, b) => a - b)).toEqual(
    Array.from({ length: parts }, (_, index) => index + 1),
  );
  for (const part of before) expect(received.get(part)).toBe(1);
  await control.stop();
  await home.remove();
});
