import { expect, test } from 'vitest';
import type { Tensor } from '../../../shared/tensor.ts';
import { encodeReply } from '../../../workers/edge/encode.ts';
import { endpointOf, twoTaskManifest } from './fixtures.ts';

const endpoint = endpointOf(twoTaskManifest());
const answers = new Map<string, Tensor>([
  ['digit', { dtype: 'float32', dims: [1, 3], data: Float32Array.of(0.5, 1, -2) }],
  ['fashion', { dtype: 'float32', dims: [1, 2], data: Float32Array.of(3, 4) }],
]);
const json = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

test('encodeReply() answers in JSON, in the order asked', () => {
  const outputs = ['fashion', 'digit'].map((task) => ({ task, binary: false, classes: null }));
  const { body, headers } = encodeReply(endpoint, { id: 'a', inputs: {}, outputs }, answers);
  expect(headers['content-type']).toBe('application/json');
  expect(headers['x-trunkline-model-version']).toBe('3');
  expect(json(body)).toEqual({
    model_name: 'pair',
    model_version: '3',
    id: 'a',
    outputs: [
      { name: 'fashion', datatype: 'FP32', shape: [1, 2], data: [3, 4] },
      { name: 'digit', datatype: 'FP32', shape: [1, 3], data: [0.5, 1, -2] },
    ],
  });
});

test('encodeReply() puts binary outputs after the JSON, and classes in between', () => {
  const outputs = [
    { task: 'digit', binary: true, classes: null },
    { task: 'fashion', binary: true, classes: 1 },
  ];
  const { body, headers } = encodeReply(endpoint, { id: undefined, inputs: {}, outputs }, answers);
  expect(headers['content-type']).toBe('application/octet-stream');
  const length = Number(headers['inference-header-content-length']);
  expect(json(body.subarray(0, length))).toEqual({
    model_name: 'pair',
    model_version: '3',
    outputs: [
      { name: 'digit', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
      { name: 'fashion', datatype: 'BYTES', shape: [1, 1], parameters: { binary_data_size: 19 } },
    ],
  });
  const tail = body.slice(length);
  expect(new Float32Array(tail.slice(0, 12).buffer)).toEqual(Float32Array.of(0.5, 1, -2));
  expect(new TextDecoder().decode(tail.slice(16))).toBe('4.000000:1:coat');
});

test('encodeReply() refuses to invent an answer', () => {
  const outputs = [{ task: 'letter', binary: false, classes: null }];
  expect(() => encodeReply(endpoint, { id: undefined, inputs: {}, outputs }, answers)).toThrow(
    'Nothing answered output "letter"',
  );
});

test('encodeReply() refuses outputs above the limit, in either form', () => {
  const large = new Map<string, Tensor>([
    ['digit', { dtype: 'float32', dims: [5_000_000], data: new Float32Array(5_000_000) }],
  ]);
  const outputs = [{ task: 'digit', binary: true, classes: null }];
  expect(() => encodeReply(endpoint, { id: undefined, inputs: {}, outputs }, large)).toThrow(
    'The reply is too large: 19.1 MiB of outputs, the limit is 16.0 MiB; send a smaller batch',
  );
});
