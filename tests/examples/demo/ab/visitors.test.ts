import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Visitors } from '../../../../examples/demo/ab/visitors.ts';
import { InferenceClient } from '../../../../examples/demo/client.ts';
import { memoryDataset, type Dataset } from '../../../../gpu-runner/engine/dataset.ts';

/** Sample i is the number i, and its label i % 3. */
const dataset = (size: number): Dataset =>
  memoryDataset({
    sampleDims: [1],
    classes: 3,
    labels: Int32Array.from({ length: size }, (_, index) => index % 3),
    inputs: Float32Array.from({ length: size }, (_, index) => index),
  });

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly question: { inputs: { shape: number[] }[]; outputs: { name: string }[] };
  readonly images: number[];
}
let server: Server;
let asked: Asked[] = [];
let client: InferenceClient;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const headerBytes = Number(request.headers['inference-header-content-length']);
      const pixels = new Uint8Array(body.subarray(headerBytes));
      asked.push({
        headers: request.headers,
        question: JSON.parse(body.subarray(0, headerBytes).toString()) as Asked['question'],
        images: Array.from(new Float32Array(pixels.buffer)),
      });
      const arm = request.headers['x-visitor'] === 'v-0' ? 'merged' : 'separate';
      response.writeHead(200, { 'x-arm': arm }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new InferenceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'tl_key');
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const visitors = (): Visitors =>
  new Visitors({
    ...{ client, endpoint: 'shop', datasets: { digit: dataset(9), fashion: dataset(5) } },
    ...{ imagesPerTask: 4, prefix: 'v', seed: 1 },
  });

it('Visitors send one request a task, each for all tasks, and know what their images show', async () => {
  const outcomes = await visitors().send(3);
  expect(asked).toHaveLength(6);
  expect(new Set(asked.map(({ headers }) => headers['x-visitor']))).toEqual(new Set(['v-0', 'v-1', 'v-2']));
  for (const { headers, question, images } of asked) {
    expect(question.inputs[0]?.shape).toEqual([4, 1]);
    expect(question.outputs.map(({ name }) => name)).toEqual(['digit', 'fashion']);
    const outcome = outcomes.find((one) => 'requestId' in one && one.requestId === headers['x-request-id']);
    expect(outcome).toMatchObject({
      task: String(headers['x-request-id']).split('.')[1],
      truth: images.map((image) => image % 3),
    });
  }
});

it('Visitors go on where they were and count who served them', async () => {
  const all = visitors();
  await all.send(1);
  const [next] = await all.send(2);
  expect(next).toMatchObject({ requestId: 'v-1.digit' });
  expect([all.served, all.requests]).toEqual([3, 6]);
  expect(Object.fromEntries(all.servedBy)).toEqual({ merged: 1, separate: 2 });
});

it('Visitors ask the same for the same seed, however many come at once', async () => {
  const atOnce = await visitors().send(4);
  const one = visitors();
  const inTurn = [...(await one.send(1)), ...(await one.send(3))];
  expect(inTurn).toEqual(atOnce);
});
