import { expect, test } from 'vitest';
import type { ItemView } from '../../../../shared/registry.ts';
import { at, digest, endpointDetail, itemView, versionView } from '../views.ts';
import { withService } from './remote.ts';

const service = withService();
const item: Partial<ItemView> = itemView();
delete item.card;

test('ls lists every kind, page by page, and endpoints', async () => {
  service.answer({
    'GET /v1/models': { items: [item], next: 'digit' },
    'GET /v1/models?cursor=digit': {
      items: [{ ...item, name: 'letter', aliases: {}, tags: {} }],
      next: null,
    },
    'GET /v1/datasets': { items: [], next: null },
    'GET /v1/bundles': { items: [], next: null },
    'GET /v1/endpoints': { endpoints: [endpointDetail()], next: null },
  });
  const { status, out, err } = await service.run(['ls']);
  expect([status, err]).toEqual([0, '']);
  expect(out).toMatch(/^models +digit +@3 +champion=2 +team=vision +2026-01-02 03:04$/m);
  expect(out).toMatch(/^models +letter +@3/m);
  expect(out).toMatch(/^shop +3 +digit=cccccccccccc/m);
  const json = JSON.parse((await service.run(['ls', '--json'])).out) as { items: unknown[] };
  expect(json.items).toHaveLength(2);
});

test('ls of one kind asks for that kind only, in either number, narrowed by a text', async () => {
  service.answer({ 'GET /v1/models?q=dig': { items: [item], next: null } });
  expect((await service.run(['ls', 'model', '-q', 'dig'])).out).toContain('digit');
  expect(service.asked()).toEqual(['GET /v1/models?q=dig']);
  service.answer({ 'GET /v1/datasets': { items: [], next: null } });
  expect((await service.run(['ls', 'datasets'])).out).toBe('There are no datasets here yet.');
});

test('ls of a name lists its versions', async () => {
  service.answer({ 'GET /v1/models/digit/versions': { versions: [versionView()], next: null } });
  expect((await service.run(['ls', 'models', 'digit'])).out).toMatch(
    /^digit@2 +champion +dddddddddddd +key1 +2026-01-02 03:04 +2\.0 KiB$/m,
  );
  const { status, err } = await service.run(['ls', 'endpoints', 'shop']);
  expect([status, err]).toEqual([
    2,
    expect.stringContaining('Only models, datasets and bundles have versions'),
  ]);
});

test('alias points at the version that a reference means', async () => {
  service.answer({
    'GET /v1/models/digit/versions/latest': versionView({ version: 3 }),
    'PUT /v1/models/digit/aliases/champion': { alias: 'champion', version: 3, changedAt: at, changedBy: 'k' },
  });
  const { out } = await service.run(['alias', 'model', 'digit', 'champion']);
  expect(out).toBe('digit@champion is digit@3 now.');
  expect(service.last('PUT')?.body.toString()).toBe('{"version":3}');
});

test('alias shows where it pointed, and removes it', async () => {
  service.answer({
    'GET /v1/models/digit/aliases/champion/history': {
      history: [
        { alias: 'champion', version: null, changedAt: at, changedBy: 'key2' },
        { alias: 'champion', version: 2, changedAt: at, changedBy: 'key1' },
      ],
      next: null,
    },
    'DELETE /v1/models/digit/aliases/champion': { status: 204 },
  });
  const { out } = await service.run(['alias', 'models', 'digit', 'champion', '--history']);
  expect(out).toMatch(/^removed +2026-01-02 03:04 +key2$/m);
  expect((await service.run(['alias', 'models', 'digit', 'champion', '--remove'])).out).toBe(
    'digit@champion is no more.',
  );
});

test.each([
  [['ls', 'things'], 'It should be one of models, datasets, bundles, endpoints.'],
  [['alias', 'models', 'digit@', 'champion'], '"digit@" names no version: write name, name@3 or name@alias'],
  [['show', 'models', 'a@b@c'], '"a@b@c" names no version'],
])('trunkline %j is a wrong command line', async (args, why) => {
  const { status, err } = await service.run(args);
  expect([status, err]).toEqual([2, expect.stringContaining(why)]);
});

test('show tells all about a version: labels, lineage, what was read in it, its card', async () => {
  service.answer({
    'GET /v1/models/digit': itemView(),
    'GET /v1/models/digit/versions/champion': versionView(),
    'GET /v1/models/digit/versions/2/lineage': {
      parents: [],
      children: [
        { kind: 'bundles', name: 'merged', version: 1, digest: digest('f'), role: 'model', task: 'digit' },
      ],
      unregistered: [],
    },
    'GET /v1/models/digit/versions/2/inspection': {
      inspection: {
        at,
        document: {
          format: 'trunkline.inspection/1',
          kind: 'model',
          inputs: [{ name: 'x', dtype: 'float32', dims: [-1, 4] }],
          outputs: [],
          parameters: 1234,
          macs: null,
          operators: { Relu: 1, Conv: 2 },
          groups: [
            { name: 'conv1', channels: 8, shareable: true, reason: null },
            { name: 'last', channels: 2, shareable: false, reason: 'it is the answer' },
          ],
          problems: ['Conv "c" has no name'],
        },
      },
    },
  });
  const { status, out, err } = await service.run(['show', 'models', 'digit@champion']);
  expect([status, err]).toEqual([0, '']);
  for (const expected of [
    /^models digit@2$/m,
    /labels +zero, one$/m,
    /Made into\n {2}bundles merged@1, digit/,
    /reads +x: float32 \[-1, 4\]/,
    /operators +2 Conv, 1 Relu/,
    /can share +8 of 10 channels in 1 of 2 groups/,
    /^last +it is the answer +2$/m,
    /Problems\n {2}Conv "c" has no name/,
    /# Digits$/,
  ])
    expect(out).toMatch(expected);
});

test('show tells what an endpoint serves and served', async () => {
  const total = {
    ...{ requests: 9, samples: 9, errors: { unavailable: 2 } },
    latencyMs: { p50: 1.5, p95: 20, p99: 30 },
  };
  const span = { from: at, to: at, resolution: 'hour' };
  service.answer({
    'GET /v1/endpoints/shop': endpointDetail(),
    'GET /v1/endpoints/shop/traffic': { endpoint: 'shop', ...span, points: [], total },
  });
  const { out } = await service.run(['show', 'endpoint', 'shop']);
  expect(out).toContain('Last 24 hours: 9 requests, 2 unavailable, p50 1.5 ms, p95 20.0 ms, p99 30.0 ms');
  expect(out).toContain(`digit                bundle ${digest('c')}`);
  expect(out).toMatch(/^1 +2026-01-02 03:04 +key1 +digit=aaaaaaaaaaaa$/m);
});
