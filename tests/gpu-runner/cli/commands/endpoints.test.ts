import { expect, test } from 'vitest';
import { writeBundle } from '../../../../gpu-runner/bundle/writeBundle.ts';
import { zippedBundle } from '../../../flows/edge-bundles.ts';
import { at, digest, endpointDetail, versionView } from '../views.ts';
import { withService } from './remote.ts';

const service = withService();
const bundle = zippedBundle();

const manifestOf = {
  [`GET /v1/bundles/${bundle.id}`]: { text: new TextDecoder().decode(bundle.manifestBytes) },
};
const stored = ({ sha256, sizeBytes }: { sha256: string; sizeBytes: number }) => ({
  state: 'stored',
  sha256,
  sizeBytes,
});

test('publish uploads a folder and routes an endpoint that was not there', async () => {
  await writeBundle(service.path('b'), bundle);
  service.answer({
    'POST /v1/uploads': stored({ sha256: digest('0'), sizeBytes: 1 }),
    'POST /v1/bundles': {
      ...{
        id: bundle.id,
        name: 'zipped',
        tasks: ['digit', 'fashion'],
        inputs: [],
        sizeBytes: 1,
        publishedAt: at,
      },
    },
    'PUT /v1/endpoints/shop': endpointDetail({ revision: 1 }),
  });
  const { status, out, err } = await service.run(['publish', service.path('b'), '--endpoint', 'shop']);
  expect(status, err).toBe(0);
  expect(out).toContain('shop, revision 1: digit from bundle cccccccccccc');
  expect(service.asked().filter((one) => one === 'POST /v1/uploads')).toHaveLength(
    bundle.manifest.files.length,
  );
  const put = service.last('PUT');
  expect(put?.headers['if-match']).toBe('"0"');
  expect(JSON.parse(String(put?.body))).toEqual({ tasks: { digit: bundle.id, fashion: bundle.id } });
});

test('publish takes a registered bundle for some tasks, and leaves the others of the endpoint as they are', async () => {
  service.answer({
    ...manifestOf,
    'GET /v1/bundles/merged/versions/2': versionView({ kind: 'bundles', document: { bundle: bundle.id } }),
    'GET /v1/endpoints/shop': endpointDetail({ tasks: { digit: digest('c'), letter: digest('9') } }),
    'PUT /v1/endpoints/shop': endpointDetail(),
  });
  await service.run(['publish', 'merged@2', '--endpoint', 'shop', '--tasks', 'digit']);
  const put = service.last('PUT');
  expect(put?.headers['if-match']).toBe('"3"');
  expect(JSON.parse(String(put?.body))).toEqual({ tasks: { digit: bundle.id, letter: digest('9') } });
  const unknown = await service.run(['publish', 'merged@2', '--endpoint', 'shop', '--tasks', 'smell']);
  expect([unknown.status, unknown.err]).toEqual([
    2,
    expect.stringContaining('Cannot publish smell: the bundle answers digit, fashion'),
  ]);
});

test('rollback serves again what the revision before did, unless another change came between', async () => {
  service.answer({
    'GET /v1/endpoints/shop': endpointDetail(),
    'PUT /v1/endpoints/shop': endpointDetail({ revision: 4, tasks: { digit: digest('b') } }),
  });
  const { out } = await service.run(['rollback', 'shop']);
  expect(out).toContain('shop serves what its revision 2 did.');
  expect(service.last('PUT')?.headers['if-match']).toBe('"3"');
  expect(JSON.parse(String(service.last('PUT')?.body))).toEqual({ tasks: { digit: digest('b') } });
  await service.run(['rollback', 'shop', '--to', '1']);
  expect(JSON.parse(String(service.last('PUT')?.body))).toEqual({ tasks: { digit: digest('a') } });
});

test('rollback refuses when there is nothing to go back to', async () => {
  service.answer({
    'GET /v1/endpoints/shop': endpointDetail({ revision: 1, history: endpointDetail().history.slice(2) }),
  });
  const first = await service.run(['rollback', 'shop']);
  expect([first.status, first.err]).toEqual([
    1,
    'Cannot roll back shop: revision 1 is its first\nNext: trunkline show endpoints shop',
  ]);
  const missing = await service.run(['rollback', 'shop', '--to', '7']);
  expect(missing.err).toContain('its history has no revision 7');
});
