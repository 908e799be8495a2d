import { expect, test } from 'vitest';
import { decodeQuestion, type Question } from '../../../workers/edge/decode.ts';
import type { Endpoint } from '../../../workers/edge/endpoint.ts';
import { limits } from '../../../workers/edge/limits.ts';
import { endpointOf, image, twoTaskManifest } from './fixtures.ts';

const endpoint = endpointOf(twoTaskManifest());
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (value: unknown, to: Endpoint = endpoint): Question => decodeQuestion(to, text(value), null);
const input = { name: 'image', shape: [1, 2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] };

/** JSON, then binary; and the header's value. */
function binary(json: unknown, tail: Uint8Array): [Uint8Array, string] {
  const head = text(json);
  const body = new Uint8Array(head.length + tail.length);
  body.set(head);
  body.set(tail, head.length);
  return [body, String(head.length)];
}

test('decodeQuestion() asks for every task when none is named, and echoes the id', () => {
  const question = decode({ id: 'a', inputs: [input], parameters: { anything: [1] } });
  expect(question.id).toBe('a');
  expect(question.inputs.image).toEqual({
    dtype: 'float32',
    dims: [1, 2, 3],
    data: Float32Array.of(1, 2, 3, 4, 5, 6),
  });
  const all = ['digit', 'fashion'].map((task) => ({ task, binary: false, classes: null }));
  expect(question.outputs).toEqual(all);
  expect(decode({ inputs: [input], outputs: [] }).outputs).toEqual(all);
});

test('decodeQuestion() lets the output overrule the request on binary data', () => {
  const { outputs } = decode({
    inputs: [input],
    parameters: { binary_data_output: true },
    outputs: [
      { name: 'fashion', parameters: { binary_data: false, classification: 2 } },
      { name: 'digit', parameters: { classification: 0 } },
    ],
  });
  expect(outputs).toEqual([
    { task: 'fashion', binary: false, classes: 2 },
    { task: 'digit', binary: true, classes: null },
  ]);
});

test('decodeQuestion() reads binary tensors in the order of the inputs, mixed with JSON', () => {
  const two = endpointOf(
    twoTaskManifest({
      inputs: [
        image,
        { name: 'mask', dtype: 'bool', dims: [-1] },
        { name: 'weight', dtype: 'float32', dims: [-1] },
      ],
    }),
  );
  const [body, length] = binary(
    {
      inputs: [
        { name: 'mask', shape: [2], datatype: 'BOOL', parameters: { binary_data_size: 2 } },
        { ...input, shape: [2, 2, 3], data: Array(12).fill(1) },
        { name: 'weight', shape: [2], datatype: 'FP32', parameters: { binary_data_size: 8 } },
      ],
    },
    Uint8Array.of(1, 0, ...new Uint8Array(Float32Array.of(0.5, 2).buffer)),
  );
  const { inputs } = decodeQuestion(two, body, length);
  expect(inputs.mask?.data).toEqual(Uint8Array.of(1, 0));
  expect(inputs.weight?.data).toEqual(Float32Array.of(0.5, 2));
});

test('decodeQuestion() takes a raw body as the one input, its batch from its size', () => {
  const raw = new Uint8Array(Float32Array.from({ length: 12 }, (_, i) => i).buffer);
  const question = decodeQuestion(endpoint, raw, '0');
  expect(question.inputs.image?.dims).toEqual([2, 2, 3]);
  expect(question.outputs.every((output) => output.binary)).toBe(true);
  expect(() => decodeQuestion(endpoint, raw.subarray(1), '0')).toThrow(
    'Input "image" has 47 bytes, which is not a multiple of the 24 of one sample',
  );
  expect(() => decodeQuestion(endpoint, new Uint8Array(0), '0')).toThrow('has 0 bytes');
  const two = endpointOf(twoTaskManifest({ inputs: [image, { ...image, name: 'other' }] }));
  expect(() => decodeQuestion(two, raw, '0')).toThrow('pair reads 2 inputs, not one');
  const open = endpointOf(twoTaskManifest({ inputs: [{ ...image, dims: [-1, -1, 3] }] }));
  expect(() => decodeQuestion(open, raw, '0')).toThrow('which its bytes alone do not determine');
});

test.each<[string, unknown, string]>([
  ['no inputs', {}, 'Cannot read the request: inputs: '],
  ['an empty list of inputs', { inputs: [] }, 'Cannot read the request: inputs: '],
  ['a name too long to repeat', { inputs: [{ ...input, name: 'x'.repeat(257) }] }, 'inputs[0].name: '],
  ['a fraction in a shape', { inputs: [{ ...input, shape: [0.5] }] }, 'inputs[0].shape[0]: '],
  [
    'another rank',
    { inputs: [{ ...input, shape: [2, 3] }] },
    'Input "image" has shape [2, 3], the model reads [-1, 2, 3]',
  ],
  ['an empty batch', { inputs: [{ ...input, shape: [0, 2, 3], data: [] }] }, 'has shape [0, 2, 3]'],
  ['a negative size', { inputs: [{ ...input, shape: [-1, 2, 3] }] }, 'has shape [-1, 2, 3]'],
  [
    'an unknown datatype',
    { inputs: [{ ...input, datatype: 'FLOAT' }] },
    'Input "image" has datatype FLOAT, pair reads FP32',
  ],
  [
    'an unknown input',
    { inputs: [{ ...input, name: '__proto__' }] },
    'Input "__proto__" is unknown: pair reads image',
  ],
  ['an input twice', { inputs: [input, input] }, 'Input "image" is given twice'],
  [
    'an input without data',
    { inputs: [{ ...input, data: undefined }] },
    'Input "image": data must be an array',
  ],
  [
    'data in both forms',
    { inputs: [{ ...input, parameters: { binary_data_size: 0 } }] },
    'has both data and binary_data_size',
  ],
  [
    'a negative binary size',
    { inputs: [{ ...input, parameters: { binary_data_size: -1 } }] },
    'inputs[0].parameters.binary_data_size: ',
  ],
  [
    'an unknown output',
    { inputs: [input], outputs: [{ name: 'digit_logits' }] },
    'Output "digit_logits" is unknown: pair answers digit, fashion',
  ],
  [
    'an output twice',
    { inputs: [input], outputs: [{ name: 'digit' }, { name: 'digit' }] },
    'Output "digit" is asked for twice',
  ],
])('decodeQuestion() refuses %s', (_, request, message) => {
  expect(() => decode(request)).toThrow(message);
});

test('decodeQuestion() refuses missing inputs and batches that differ', () => {
  const two = endpointOf(twoTaskManifest({ inputs: [image, { name: 'age', dtype: 'uint8', dims: [-1] }] }));
  expect(() => decode({ inputs: [input] }, two)).toThrow('Input "age" is missing');
  const age = { name: 'age', shape: [2], datatype: 'UINT8', data: [1, 2] };
  expect(() => decode({ inputs: [input, age] }, two)).toThrow(
    'Input "age" has a batch of 2, input "image" one of 1',
  );
});

test('decodeQuestion() refuses binary data that is cut short or left over', () => {
  const request = { inputs: [{ ...input, data: undefined, parameters: { binary_data_size: 24 } }] };
  const [short, shortLength] = binary(request, new Uint8Array(20));
  expect(() => decodeQuestion(endpoint, short, shortLength)).toThrow(
    'Input "image" is truncated: binary_data_size is 24, 20 bytes are left in the body',
  );
  const [long, longLength] = binary(request, new Uint8Array(30));
  expect(() => decodeQuestion(endpoint, long, longLength)).toThrow(
    'The body has 6 bytes after the last tensor',
  );
});

test.each(['-1', '1e3', 'x', '', '999'])('decodeQuestion() refuses the header length "%s"', (length) => {
  expect(() => decodeQuestion(endpoint, text({ inputs: [input] }), length)).toThrow(
    'Inference-Header-Content-Length is',
  );
});

test('decodeQuestion() refuses JSON above its limit before parsing it', () => {
  expect(() => decodeQuestion(endpoint, new Uint8Array(limits.jsonBytes + 1), null)).toThrow(
    `The JSON is too large: it has ${limits.jsonBytes + 1} bytes, the limit is ${limits.jsonBytes}`,
  );
});

test('decodeQuestion() says that ONNX Runtime Web takes no BF16', () => {
  const bf16 = endpointOf(twoTaskManifest({ inputs: [{ ...image, dtype: 'bfloat16' }] }));
  expect(() => decode({ inputs: [{ ...input, datatype: 'BF16' }] }, bf16)).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  );
});
