import { afterAll, beforeAll, expect, test } from 'vitest';
import { InferenceClient, readClasses } from '../../client/inference.ts';
import { labels, zippedBundle } from '../flows/edge-bundles.ts';
import { EdgeOnNode } from '../flows/edge-node.ts';
import { largestDifference, reference, samples } from '../flows/edge-requests.ts';
import { fakeService, json } from './fakeService.ts';

let edge: EdgeOnNode;
let client: InferenceClient;

beforeAll(async () => {
  edge = await EdgeOnNode.start();
  const bundle = zippedBundle();
  await edge.putBundle(bundle);
  await edge.putRouting('pair', 3, { digit: bundle, fashion: bundle });
  const key = edge.headers.authorization?.slice('Bearer '.length);
  client = new InferenceClient({ url: (await edge.fetch('/v2/health/live')).url, key });
});
afterAll(() => edge.stop());

const x = (count: number) => ({ dtype: 'float32', dims: [count, 4], data: samples(count) }) as const;

test('metadata() tells what an endpoint reads and answers', async () => {
  expect(await client.metadata('pair')).toMatchObject({
    versions: ['3'],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'digit' }, { name: 'fashion' }],
  });
});

test('infer() answers what the network computes, all tasks or those named', async () => {
  const both = await client.infer('pair', { x: x(2) });
  expect([both.version, Object.keys(both.outputs)]).toEqual(['3', ['digit', 'fashion']]);
  const one = await client.infer('pair', { x: x(2) }, { tasks: ['fashion'] });
  expect(Object.keys(one.outputs)).toEqual(['fashion']);
  // What ran, and for how long by the service's clock.
  expect(one.served.timing.map(({ name }) => name)).toContain('head-fashion');
  expect(one.served).toMatchObject({
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    arm: null,
  });
  const values = one.outputs.fashion?.data.map(Number) ?? [];
  expect(largestDifference(values, await reference('fashion', samples(2)))).toBeLessThan(1e-5);
});

test('infer() with classes names the best of each sample', async () => {
  const { outputs } = await client.infer('pair', { x: x(3) }, { classes: 2 });
  const scores = await reference('digit', samples(3));
  const classes = outputs.digit ? readClasses(outputs.digit) : [];
  expect(classes.map((sample) => sample.length)).toEqual([2, 2, 2]);
  for (const [sample, [best]] of classes.entries()) {
    const row = scores.slice(sample * 3, sample * 3 + 3);
    const index = row.indexOf(Math.max(...row));
    expect(best).toMatchObject({ index, label: labels.digit[index] });
    expect(best?.value).toBeCloseTo(row[index] ?? NaN, 5);
  }
});

test('readClasses() keeps colons inside labels', () => {
  const output = { datatype: 'BYTES', shape: [1, 2], data: ['1.5:3:a:b', '0.5:1:'] };
  expect(readClasses(output)).toEqual([
    [
      { value: 1.5, index: 3, label: 'a:b' },
      { value: 0.5, index: 1, label: '' },
    ],
  ]);
});

test('infer() sends strings as the protocol writes them', async () => {
  const { asked, options } = fakeService(() => json({ model_name: 'm', model_version: '1', outputs: [] }));
  const text = { dtype: 'string', dims: [2], data: ['é', ''] } as const;
  await new InferenceClient(options).infer('m', { text: { ...text, data: [...text.data] } });
  const length = Number(asked[0]?.headers.get('inference-header-content-length'));
  expect(Array.from(asked[0]?.body.subarray(length) ?? [])).toEqual([2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0]);
});

test('infer() refuses data that does not fill its shape, before it is sent', async () => {
  const wrong = { dtype: 'float32', dims: [2, 4], data: samples(1) } as const;
  await expect(client.infer('pair', { x: wrong })).rejects.toThrow(
    'Cannot send "x": [2,4] has 8 elements, its data 4',
  );
  await expect(client.infer('pair', { y: x(1) })).rejects.toThrow('answered 400: Input "y" is unknown');
});
