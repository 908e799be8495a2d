import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findOnnxFault } from '../../../workers/domain/onnx-check.ts';
import { bytesOf, field, tinyModel } from '../fixtures.ts';

/** What is said of a file, and how often and how much of it was read. */
async function probe(
  content: Uint8Array,
): Promise<{ fault: string | null; reads: number; bytesRead: number }> {
  let reads = 0;
  let bytesRead = 0;
  const fault = await findOnnxFault(content.length, (offset, length) => {
    const part = content.subarray(offset, offset + length);
    reads++;
    bytesRead += part.length;
    return Promise.resolve(part);
  });
  return { fault, reads, bytesRead };
}

const faultOf = async (content: ArrayLike<number>): Promise<string | null> =>
  (await probe(Uint8Array.from(content))).fault;

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

const irVersion = [8, 9];
const opset = field(8, [16, 17]);
const graph = field(7, field(2, [103]));

/** A model whose graph has `size` bytes: a name, then one initializer as large as it takes. */
function largeModel(size: number): Uint8Array {
  const inner = [...field(2, [103]), 5 * 8 + 2, ...varint(size)];
  const head = [...irVersion, 7 * 8 + 2, ...varint(inner.length + size), ...inner];
  const content = new Uint8Array(head.length + size + opset.length);
  content.set(head);
  content.fill(0xff, head.length, head.length + size);
  content.set(opset, head.length + size);
  return content;
}

test('a model is recognised, its fields in any order', async () => {
  expect(await faultOf(tinyModel())).toBeNull();
  expect(await faultOf([...opset, ...graph, ...irVersion])).toBeNull();
  const metadata = field(14, field(1, [97]));
  expect(await faultOf([...irVersion, ...field(2, [120]), ...metadata, ...graph, ...opset])).toBeNull();
  // A field number of a later format is skipped by its wire type: fixed 64, fixed 32, varint.
  const later = [
    ...varint(30 * 8 + 1),
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    ...varint(31 * 8 + 5),
    1,
    2,
    3,
    4,
    ...varint(32 * 8),
    1,
  ];
  expect(await faultOf([...irVersion, ...later, ...graph, ...opset])).toBeNull();
});

test('a large model costs a few kilobytes to recognise', async () => {
  const { fault, reads, bytesRead } = await probe(largeModel(5_000_000));
  expect(fault).toBeNull();
  expect(reads).toBe(2);
  expect(bytesRead).toBeLessThan(5000);
});

test('a truncated model is refused at whatever byte it ends', async () => {
  const whole = tinyModel();
  for (let end = 0; end < whole.length; end++) expect(await faultOf(whole.subarray(0, end))).not.toBeNull();
  const large = largeModel(50_000);
  expect(await faultOf(large.subarray(0, 40_000))).toBe('ends at byte 40000, in the middle of field 7');
});

test('a model that lacks what every model has is refused by name', async () => {
  expect(await faultOf([...graph, ...opset])).toBe('has no ir_version');
  expect(await faultOf([...irVersion, ...opset])).toBe('has no graph');
  expect(await faultOf([...irVersion, ...graph])).toBe('has no opset_import');
  expect(await faultOf([...irVersion, ...field(7, []), ...opset])).toBe(
    'has something else than a graph at byte 2',
  );
});

test('files of other kinds are refused', async () => {
  const others = {
    html: bytesOf('<!doctype html><html><body>404 Not Found</body></html>'),
    json: bytesOf('{"format": "trunkline.bundle/1"}'),
    png: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]),
    zip: new Uint8Array([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0]),
    text: bytesOf('hello world, this is not a model'),
    zeros: new Uint8Array(5000),
    nothing: new Uint8Array(0),
  };
  for (const [kind, content] of Object.entries(others)) {
    expect(await faultOf(content), kind).toMatch(/^(has|ends)/);
  }
});

test('a file made to waste our time is given up after a few reads', async () => {
  // Each field reaches beyond the window that its header was in.
  const part = [9 * 8 + 2, ...varint(5000), ...new Uint8Array(5000)];
  const { fault, reads } = await probe(Uint8Array.from(Array.from({ length: 40 }, () => part).flat()));
  expect(fault).toBe('has its parts too far apart to be checked in 16 reads');
  expect(reads).toBe(16);
});

test('any bytes are answered, never with an exception or a loop', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (content) => {
      const { fault, reads } = await probe(content);
      expect(fault === null || fault.length > 0).toBe(true);
      expect(reads).toBeLessThanOrEqual(1);
    }),
  );
});

test('a length of ten bytes does not overflow into a small one', async () => {
  const huge = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
  expect(await faultOf([...irVersion, 7 * 8 + 2, ...huge, 18, 1, 103, ...opset])).toMatch(
    /in the middle of field 7/,
  );
  expect(await faultOf([...irVersion, 7 * 8 + 2, ...huge.slice(0, 9), 255, 1])).toMatch(
    /no protobuf field at byte 2/,
  );
});
