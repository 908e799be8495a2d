import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataTypes } from '../../shared/tensor.ts';
import {
  identityBundle,
  identityTypes,
  labels,
  notOnnxBundle,
  separateBundle,
  taskNames,
  zippedBundle,
  type TaskName,
} from './edge-bundles.ts';
import {
  answered,
  binaryBody,
  jsonInput,
  largestDifference,
  question,
  reference,
  samples,
  steps,
  type InferBody,
} from './edge-requests.ts';
import type { TestedEdge } from './tested-edge.ts';

const zipped = zippedBundle();
const separate = { digit: separateBundle('digit'), fashion: separateBundle('fashion') };

/**
 * What everything that serves bundles must answer, request by request: the Worker and Node alike.
 *
 * @param start the server, over empty storage
 */
export function describeEdge(start: () => Promise<TestedEdge>): void {
  let edge: TestedEdge;
  const ask: TestedEdge['ask'] = (...request) => edge.ask(...request);

  beforeAll(async () => {
    edge = await start();
    for (const bundle of [zipped, separate.digit, separate.fashion]) await edge.putBundle(bundle);
    await edge.putRouting('pair', 7, { digit: zipped, fashion: zipped });
    await edge.putRouting('apart', 1, separate);
  });
  afterAll(() => edge.stop());

  describe('a good request', () => {
    test('answers health without a key, and is ready once ONNX Runtime runs', async () => {
      const live = await edge.fetch('/v2/health/live');
      expect([live.status, await live.json()]).toEqual([200, { live: true }]);
      const ready = await edge.fetch('/v2/health/ready');
      expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
      expect(ready.headers.get('content-type')).toBe('application/json');
    });

    test('loads and runs only the heads asked for, after one trunk, and equals native ONNX Runtime', async () => {
      const inputs = samples(5);
      const one = await ask('pair', question(inputs, 'digit'));
      const first = await answered(one);
      expect(first).toMatchObject({ model_name: 'pair', model_version: '7' });
      expect(first.outputs).toHaveLength(1);
      expect(first.outputs[0]).toMatchObject({ name: 'digit', datatype: 'FP32', shape: [5, 3] });
      expect(steps(one)).toEqual(['load trunk head-digit', 'trunk', 'head-digit']);

      const both = await ask('pair', question(inputs));
      const second = await answered(both);
      expect(steps(both)).toEqual(['load head-fashion', 'trunk', 'head-digit', 'head-fashion']);
      for (const task of taskNames) {
        const output = second.outputs.find(({ name }) => name === task);
        expect(largestDifference(output?.data ?? [], await reference(task, inputs))).toBeLessThan(1e-5);
      }
      expect(steps(await ask('pair', question(inputs)))).toEqual(['trunk', 'head-digit', 'head-fashion']);
    });

    test('answers one endpoint from several bundles', async () => {
      const inputs = samples(2, 4);
      const response = await ask('apart', question(inputs));
      const { outputs } = await answered(response);
      expect(steps(response)).toEqual(['load head-digit', 'head-digit', 'load head-fashion', 'head-fashion']);
      for (const output of outputs) {
        const expected = await reference(output.name as TaskName, inputs);
        expect(largestDifference(output.data, expected)).toBeLessThan(1e-5);
      }
    });

    test('takes and gives binary tensors, plain and compressed, and echoes the id', async () => {
      const inputs = samples(3, 2);
      const expected = await reference('fashion', inputs);
      const request = binaryBody(inputs, {
        id: 'request 1',
        outputs: [{ name: 'fashion', parameters: { binary_data: true } }],
      });
      const bodies: [Record<string, string>, Uint8Array][] = [
        [{}, request.body],
        [{ 'content-encoding': 'gzip' }, gzipSync(request.body)],
        [{ 'content-encoding': 'deflate' }, deflateSync(request.body)],
      ];
      for (const [encoding, body] of bodies) {
        const response = await ask('pair', body, { ...request.headers, ...encoding });
        expect(response.status).toBe(200);
        const whole = Buffer.from(await response.arrayBuffer());
        const jsonLength = Number(response.headers.get('inference-header-content-length'));
        const reply = JSON.parse(whole.subarray(0, jsonLength).toString()) as InferBody;
        expect(reply.id).toBe('request 1');
        expect(reply.outputs[0]?.parameters).toEqual({ binary_data_size: 3 * 5 * 4 });
        const values = new Float32Array(new Uint8Array(whole.subarray(jsonLength)).buffer);
        expect(largestDifference(Array.from(values), expected)).toBeLessThan(1e-5);
      }
    });

    test('carries every element type through ONNX Runtime, bit by bit', async () => {
      const bundle = identityBundle();
      await edge.putBundle(bundle);
      await edge.putRouting('identity', 1, Object.fromEntries(identityTypes.map((dtype) => [dtype, bundle])));
      const tensors = identityTypes.map((dtype) => {
        const { oip, bytes } = dataTypes[dtype];
        const text = Buffer.from([2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0, 1, 0, 0, 0, 0x61]);
        const data =
          bytes === null
            ? text
            : Buffer.from(
                Array.from({ length: 3 * bytes }, (_, i) => (dtype === 'bool' ? i % 2 : 17 * i + 3)),
              );
        return { dtype, oip, data };
      });
      const json = Buffer.from(
        JSON.stringify({
          inputs: tensors.map(({ dtype, oip, data }) => ({
            name: `${dtype}_in`,
            shape: [1, 3],
            datatype: oip,
            parameters: { binary_data_size: data.length },
          })),
          parameters: { binary_data_output: true },
        }),
      );
      const sent = Buffer.concat(tensors.map(({ data }) => data));
      const response = await ask('identity', new Uint8Array(Buffer.concat([json, sent])), {
        'inference-header-content-length': String(json.length),
      });
      const whole = Buffer.from(await response.arrayBuffer());
      expect(response.status, whole.toString()).toBe(200);
      const length = Number(response.headers.get('inference-header-content-length'));
      const { outputs } = JSON.parse(whole.subarray(0, length).toString()) as InferBody;
      expect(outputs.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual(
        tensors.map(({ dtype, oip }) => [dtype, oip, [1, 3]]),
      );
      expect(whole.subarray(length).equals(sent)).toBe(true);
    });

    test('takes a raw body as the one input', async () => {
      const inputs = samples(2, 9);
      const response = await ask('pair', new Uint8Array(inputs.buffer), {
        'inference-header-content-length': '0',
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      const whole = await response.arrayBuffer();
      const values = Array.from(new Float32Array(whole.slice(whole.byteLength - 2 * (3 + 5) * 4)));
      const expected = [...(await reference('digit', inputs)), ...(await reference('fashion', inputs))];
      expect(largestDifference(values, expected)).toBeLessThan(1e-5);
    });

    test('names classes by the labels of the bundle', async () => {
      const inputs = samples(1, 3);
      const scores = await reference('fashion', inputs);
      const best = scores.indexOf(Math.max(...scores));
      const response = await ask('pair', {
        inputs: [jsonInput(inputs)],
        outputs: [{ name: 'fashion', parameters: { classification: 2 } }],
      });
      const [output] = (await answered(response)).outputs;
      expect(output).toMatchObject({ datatype: 'BYTES', shape: [1, 2] });
      expect(output?.data[0]).toMatch(new RegExp(`^-?\\d+\\.\\d{6}:${best}:${labels.fashion[best] ?? ''}$`));
    });

    test('loads each part once when many first requests come together', async () => {
      await edge.putRouting('together', 1, { digit: await edge.putRenamed(separate.digit, 'together') });
      const inputs = samples(1);
      const responses = await Promise.all(
        Array.from({ length: 8 }, () => ask('together', question(inputs, 'digit'))),
      );
      const expected = await reference('digit', inputs);
      for (const response of responses) {
        const [output] = (await answered(response.clone())).outputs;
        expect(largestDifference(output?.data ?? [], expected)).toBeLessThan(1e-5);
      }
      expect(responses.flatMap(steps).filter((step) => step.startsWith('load'))).toEqual(['load head-digit']);
    });

    test('goes on with a load when the client that asked first goes away', async () => {
      await edge.putRouting('left', 1, { digit: await edge.putRenamed(separate.digit, 'left') });
      const client = new AbortController();
      const first = edge.fetch('/v2/models/left/infer', {
        method: 'POST',
        headers: edge.headers,
        body: JSON.stringify(question(samples(1))),
        signal: client.signal,
      });
      setTimeout(() => {
        client.abort();
      }, 5);
      await Promise.allSettled([first]);
      await answered(await ask('left', question(samples(1))));
    });

    test('describes what it serves', async () => {
      const get = async (path: string): Promise<unknown> =>
        (await edge.fetch(path, { headers: edge.headers })).json();
      expect(await get('/v2')).toMatchObject({ extensions: ['binary_tensor_data', 'classification'] });
      const metadata = {
        name: 'pair',
        versions: ['7'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [
          { name: 'digit', datatype: 'FP32', shape: [-1, 3] },
          { name: 'fashion', datatype: 'FP32', shape: [-1, 5] },
        ],
      };
      expect(await get('/v2/models/pair')).toEqual(metadata);
      expect(await get('/v2/models/pair/versions/7')).toEqual(metadata);
      expect(await get('/v2/models/pair/ready')).toEqual({ name: 'pair', ready: true });
      const index = await edge.fetch('/v2/repository/index', { method: 'POST', headers: edge.headers });
      expect(await index.json()).toContainEqual({ name: 'pair', version: '7', state: 'READY', reason: '' });
    });
  });

  describe('a key', () => {
    const withKey = (value: string): Promise<Response> =>
      edge.fetch('/v2/models/pair', { headers: { 'x-api-key': value } });

    test('without the scope "infer" is refused with 403', async () => {
      const response = await withKey(await edge.putKey(['read']));
      expect(response.status).toBe(403);
      expect(await response.text()).toContain('has scope read; \\"infer\\" is needed');
    });

    test('that expired, is unknown or malformed is refused with 401', async () => {
      const expired = await withKey(await edge.putKey(['infer'], '2020-01-01T00:00:00Z'));
      expect([expired.status, await expired.text()]).toEqual([
        401,
        expect.stringContaining('expired at 2020-01-01T00:00:00Z'),
      ]);
      expect((await withKey(`tl_${'0'.repeat(16)}_${'0'.repeat(64)}`)).status).toBe(401);
      const malformed = await withKey('secret');
      expect(malformed.status).toBe(401);
      expect(malformed.headers.get('www-authenticate')).toBe('Bearer');
    });
  });

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
      'an unknown model': [
        404,
        'Unknown model "nobody": no endpoint has this name',
        () => ask('nobody', good),
      ],
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
  });

  describe('what is published and cannot be used', () => {
    test.each(['digit.onnx', 'digit.weights'])(
      'an altered %s is refused, and used once it is right again',
      async (path) => {
        const bundle = await edge.putRenamed(separate.digit, `altered-${path}`);
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
      const bundle = await edge.putRenamed(separate.digit, 'short');
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
      const bundle = await edge.putRenamed(separate.digit, 'manifest');
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
  });
}
