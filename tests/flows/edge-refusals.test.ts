import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  hungryBundle,
  notOnnxBundle,
  oversizedBundle,
  separateBundle,
  zippedBundle,
} from './edge-bundles.ts';
import { answered, binaryBody, jsonInput, largestDifference, question, samples } from './edge-requests.ts';
import { EdgeWorker } from './edge-worker.ts';

let edge: EdgeWorker;
const separate = separateBundle('digit');
const ask: EdgeWorker['ask'] = (...request) => edge.ask(...request);

beforeAll(async () => {
  edge = await EdgeWorker.start();
  const zipped = zippedBundle();
  await edge.putBundle(zipped);
  await edge.putRouting('pair', 7, { digit: zipped, fashion: zipped });
});
afterAll(() => edge.stop());

describe('a wrong request', () => {
  const good = question(samples(1));
  const input = jsonInput(samples(1));
  const truncated = binaryBody(samples(2));
  const cases: Record<string, [number, string, () => Promise<Response>]> = {
    'a wrong shape': [
      400,
      'Input "x" has shape [1, 5], the model reads [-1, 4], -1 being any size from 1',
      () => ask('pair', { inputs: [{ ...input, shape: [1, 5], data: [1, 2, 3, 4, 5] }] }),
    ],
    'fewer elements than the shape takes': [
      400,
      'Input "x": data has 4 elements, its shape [2, 4] takes 8',
      () => ask('pair', { inputs: [{ ...input, shape: [2, 4] }] }),
    ],
    'a wrong datatype': [
      400,
      'Input "x" has datatype INT64, pair reads FP32',
      () => ask('pair', { inputs: [{ ...input, datatype: 'INT64' }] }),
    ],
    'an unknown input': [
      400,
      'Input "image" is unknown: pair reads x',
      () => ask('pair', { inputs: [{ ...input, name: 'image' }] }),
    ],
    'an unknown output': [
      400,
      'Output "letter" is unknown: pair answers digit, fashion',
      () => ask('pair', { ...good, outputs: [{ name: 'letter' }] }),
    ],
    'an unknown model': [404, 'Unknown model "nobody": no endpoint has this name', () => ask('nobody', good)],
    'an unknown version': [
      404,
      'Unknown version 6 of pair: it serves version 7',
      () => ask('pair/versions/6', good),
    ],
    'a truncated binary tensor': [
      400,
      'Input "x" is truncated: binary_data_size is 32, 29 bytes are left in the body',
      () => ask('pair', truncated.body.slice(0, -3), truncated.headers),
    ],
    'a body that is not JSON': [
      400,
      'Cannot read the request: it is not JSON',
      () => ask('pair', new TextEncoder().encode('{"inputs":')),
    ],
    'an oversized body': [
      413,
      `The body is too large: it has ${17 * 2 ** 20} bytes, the limit is ${16 * 2 ** 20}; send a smaller batch`,
      () => ask('pair', new Uint8Array(17 * 2 ** 20)),
    ],
    'a body that grows too large': [
      413,
      `The body is too large: decompressed it has more than ${16 * 2 ** 20} bytes`,
      () => ask('pair', gzipSync(new Uint8Array(40 * 2 ** 20)), { 'content-encoding': 'gzip' }),
    ],
    'no key': [
      401,
      'An API key with scope "infer" is needed',
      () => edge.fetch('/v2/models/pair/infer', { method: 'POST', body: JSON.stringify(good) }),
    ],
    'an unknown route': [
      404,
      'Unknown route: GET /v1/models',
      () => edge.fetch('/v1/models', { headers: edge.headers }),
    ],
  };

  test.each(Object.entries(cases))(
    'with %s is refused with a sentence, the next is answered',
    async (_, wrong) => {
      const [status, sentence, send] = wrong;
      const response = await send();
      const body = (await response.json()) as { error: string };
      expect(body.error).toContain(sentence);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/json');
      await answered(await ask('pair', good));
    },
  );

  test('that does not fit the heap is refused, and a smaller one answered', async () => {
    const hungry = hungryBundle();
    await edge.putBundle(hungry);
    await edge.putRouting('hungry', 1, { digit: hungry });
    const large = await ask('hungry', question(samples(8), 'digit'));
    expect([large.status, await large.json()]).toEqual([
      413,
      {
        error: `Cannot run head "digit" of bundle ${hungry.id.slice(0, 12)}: the request needs more than the 80.0 MiB of ONNX Runtime heap; send a smaller batch`,
      },
    ]);
    const [output] = (await answered(await ask('hungry', question(samples(1), 'digit')))).outputs;
    expect(largestDifference(output?.data ?? [], [Math.exp(1)])).toBeLessThan(1e-5);
  });
});

describe('what is published and cannot be used', () => {
  test.each(['digit.onnx', 'digit.weights'])(
    'an altered %s is refused, and used once it is right again',
    async (path) => {
      const bundle = await edge.putRenamed(separate, `altered-${path}`);
      const file = bundle.manifest.files.find((one) => one.path === path);
      const bytes = bundle.files.get(path);
      if (!file || !bytes) throw new Error(`the bundle has no ${path}`);
      const altered = bytes.slice();
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      const endpoint = `altered-${path}`;
      await edge.putRouting(endpoint, 1, { digit: bundle });
      await edge.putBlob(file.sha256, altered);
      const refused = await ask(endpoint, question(samples(1), 'digit'));
      await edge.putBlob(file.sha256, bytes);
      const { error } = (await refused.json()) as { error: string };
      expect(error).toMatch(
        new RegExp(`^Cannot use file ${path} .*: it was altered, its SHA-256 is [0-9a-f]{12}$`),
      );
      expect(refused.status).toBe(503);
      await answered(await ask(endpoint, question(samples(1), 'digit')));
    },
  );

  test('a shortened or missing file is refused before it is read', async () => {
    const bundle = await edge.putRenamed(separate, 'short');
    await edge.putRouting('short', 1, { digit: bundle });
    const file = bundle.manifest.files.find((one) => one.path === 'digit.weights');
    const bytes = bundle.files.get('digit.weights');
    if (!file || !bytes) throw new Error('the bundle has no weights');
    await edge.putBlob(file.sha256, bytes.slice(0, 10));
    const short = await ask('short', question(samples(1), 'digit'));
    await edge.deleteBlob(file.sha256);
    const missing = await ask('short', question(samples(1), 'digit'));
    await edge.putBlob(file.sha256, bytes);
    expect([short.status, missing.status]).toEqual([503, 503]);
    expect(await short.text()).toContain(`it has 10 bytes in storage, the manifest says ${bytes.length}`);
    expect(await missing.text()).toContain('it is not in storage');
    await answered(await ask('short', question(samples(1), 'digit')));
  });

  test('an altered manifest is refused', async () => {
    const bundle = await edge.putRenamed(separate, 'manifest');
    const text = new TextDecoder().decode(bundle.manifestBytes);
    await edge.putManifest(bundle.id, new TextEncoder().encode(text.replace('none', 'nine')));
    await edge.putRouting('manifest', 1, { digit: bundle });
    const refused = await ask('manifest', question(samples(1)));
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('its manifest was altered');
    await edge.putManifest(bundle.id, bundle.manifestBytes);
    await answered(await ask('manifest', question(samples(1))));
  });

  test('a file that is not ONNX is refused with what ONNX Runtime says', async () => {
    const bundle = notOnnxBundle();
    await edge.putBundle(bundle);
    await edge.putRouting('text', 1, { digit: bundle });
    const refused = await ask('text', question(samples(1)));
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain(
      `Cannot load head \\"digit\\" of bundle ${bundle.id.slice(0, 12)}: ONNX Runtime refuses digit.onnx:`,
    );
    await answered(await ask('pair', question(samples(1))));
  });

  test('a bundle that an isolate cannot hold is refused with the numbers', async () => {
    const bundle = oversizedBundle();
    await edge.putManifest(bundle.id, bundle.manifestBytes);
    await edge.putRouting('oversized', 1, { digit: bundle });
    const refused = await ask('oversized', question(samples(1)));
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain(
      '90.0 MiB of graphs and weights need 114.0 MiB of ONNX Runtime heap',
    );
  });
});
